"""Both halves of Meta's Marketing API, as one adapter provides them."""

from typing import Protocol

from autopublisher.ports.meta.pacing import MetaPacing
from autopublisher.ports.meta.reading import MetaReading
from autopublisher.ports.meta.writing import MetaWrites, MetaWriting


class MetaAds(MetaReading, MetaWrites, MetaWriting, MetaPacing, Protocol):
    """Both halves: for what builds the flows, and for what writes."""
