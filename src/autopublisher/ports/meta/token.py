"""What Meta says of our access token, which belongs to no ad account."""

from collections.abc import Sequence
from typing import Protocol

from autopublisher.domain.ids import ActId


class MetaToken(Protocol):
    """The rights that the token was granted, and what they let it see."""

    def permissions(self) -> frozenset[str]:
        """Return the permissions the token was granted."""
        ...

    def visible_accounts(self) -> Sequence[ActId]:
        """Return every ad account that Meta lists for the token: all pages, or an error."""
        ...
