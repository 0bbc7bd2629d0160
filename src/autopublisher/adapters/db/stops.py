"""Stops and account watches."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, or_, select, update

from autopublisher.adapters.db.session import Session
from autopublisher.adapters.db.tables import stops, watches
from autopublisher.domain.accounts.stops import Stop
from autopublisher.domain.accounts.watches import Watch
from autopublisher.domain.errors import ConflictError, StaleWatchError, StopNotFoundError
from autopublisher.domain.faults import Fault
from autopublisher.domain.ids import ActId, StopId


class SqlStops:
    """Implements ``ports.repositories.StopRepository``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, stop: Stop) -> None:
        """Insert a stop; ConflictError where its id is taken."""
        if not self._session.insert(stops, vars(stop)):
            raise ConflictError(Fault.STOP_EXISTS(id=stop.id))

    def get(self, stop_id: StopId) -> Stop:
        """Return a stop; raises StopNotFoundError."""
        row = self._session.row(select(stops).where(stops.c.id == stop_id))
        if row is None:
            raise StopNotFoundError(id=stop_id)
        return Stop(**row)

    def save(self, stop: Stop) -> None:
        """Overwrite a stop; raises StopNotFoundError."""
        if self._session.change(update(stops).where(stops.c.id == stop.id).values(**vars(stop))) == 0:
            raise StopNotFoundError(id=stop.id)

    def holding(self, act_id: ActId | None = None) -> Sequence[Stop]:
        """Return the stops that hold, oldest first: all of them, or those that concern one account."""
        query = select(stops).where(stops.c.lifted_at.is_(None)).order_by(stops.c.at, stops.c.id)
        if act_id is not None:
            query = query.where(or_(stops.c.act_id.is_(None), stops.c.act_id == act_id))
        return [Stop(**row) for row in self._session.rows(query)]

    def concerning(self, act_id: ActId) -> Sequence[Stop]:
        """Return the stops that concern an account, those of every account included, oldest first."""
        concerned = or_(stops.c.act_id.is_(None), stops.c.act_id == act_id)
        query = select(stops).where(concerned).order_by(stops.c.at, stops.c.id)
        return [Stop(**row) for row in self._session.rows(query)]

    def latest(self, limit: int = 50) -> Sequence[Stop]:
        """Return stops, those that hold first, then by ``at``, newest first."""
        order = (stops.c.lifted_at.is_not(None), stops.c.at.desc(), stops.c.id)
        return [Stop(**row) for row in self._session.rows(select(stops).order_by(*order).limit(limit))]


class SqlWatches:
    """Implements ``ports.repositories.WatchRepository``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, watch: Watch) -> None:
        """Insert an account's watch; nothing happens where it has one."""
        self._session.insert_new(watches, [vars(watch)])

    def get(self, act_id: ActId) -> Watch | None:
        """Return an account's watch, or None."""
        row = self._session.row(select(watches).where(watches.c.act_id == act_id))
        return None if row is None else Watch(**row)

    def save(self, watch: Watch, was: int) -> None:
        """Overwrite the watch if its stored version still is ``was``; StaleWatchError else."""
        held = and_(watches.c.act_id == watch.act_id, watches.c.version == was)
        if self._session.change(update(watches).where(held).values(**vars(watch))) == 0:
            raise StaleWatchError(act_id=watch.act_id, version=was)

    def all(self) -> Sequence[Watch]:
        """Return every watch by account."""
        return [Watch(**row) for row in self._session.rows(select(watches).order_by(watches.c.act_id))]

    def due(self, moment: datetime) -> Sequence[Watch]:
        """Return the watches to be looked at by then, the longest due first."""
        query = select(watches).where(watches.c.next_look_at <= moment)
        ordered = query.order_by(watches.c.next_look_at, watches.c.act_id)
        return [Watch(**row) for row in self._session.rows(ordered)]
