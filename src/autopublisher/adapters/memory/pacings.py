"""Pacing state of each ad account, in memory."""

from dataclasses import replace

from autopublisher.adapters.json_text import json_copy
from autopublisher.adapters.memory.tables import Tables
from autopublisher.domain.ids import ActId
from autopublisher.domain.meta.pacing import pacing_from_record
from autopublisher.ports.repositories import KeptPacing


class MemoryPacings:
    """Implements ``ports.repositories.PacingRepository``."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def get(self, act_id: ActId) -> KeptPacing | None:
        """Return what was kept last, or None."""
        return self._tables.pacings.get(act_id)

    def put(self, act_id: ActId, kept: KeptPacing) -> None:
        """Insert or overwrite; of a family that asks nothing of anybody not even the usage is kept."""
        stored = pacing_from_record(json_copy(kept.pacing.to_record()))
        self._tables.pacings[act_id] = replace(kept, pacing=stored)
