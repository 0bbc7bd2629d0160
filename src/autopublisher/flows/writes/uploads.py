"""Bytes of an upload, read before its row is SENT."""

from autopublisher.domain.errors import NotFoundError, UnavailableError
from autopublisher.domain.journal.operations import Action, OperationSpec
from autopublisher.domain.journal.write_messages import WriteMessage
from autopublisher.domain.messages import said_of
from autopublisher.flows.outcomes.deferred import Deferred
from autopublisher.flows.writes.patience import Patience
from autopublisher.ports.clock import Clock
from autopublisher.ports.storage import Storage


class Uploads:
    """Reads the pictures that are uploaded."""

    def __init__(self, storage: Storage, clock: Clock, patience: Patience) -> None:
        self._storage = storage
        self._clock = clock
        self._patience = patience

    def content(self, spec: OperationSpec) -> bytes:
        """Return the bytes of an upload, none of any other write; raises Deferred where they cannot be had now.

        What is missing here is no outcome of a call, and uses up no attempt.
        """
        if spec.action is not Action.UPLOAD:
            return b""
        try:
            return self._storage.read(spec.params["storage_key"])
        except NotFoundError as error:
            wait, reason = self._patience.pause, said_of(error)  # nothing but a person brings it back
        except UnavailableError as error:
            wait, reason = self._patience.spacing, said_of(error)
        raise Deferred(self._clock.now() + wait, WriteMessage.PICTURE_UNREADABLE(key=spec.key, why=reason))
