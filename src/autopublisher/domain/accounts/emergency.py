"""Emergency notes: stops that the database could not take, and the pauses that were asked for meanwhile."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from autopublisher.domain.accounts.stops import ObjectLine, Stop, StopReport, report_from_record
from autopublisher.domain.ids import AccountId, ActId, MetaId, StopId
from autopublisher.domain.journal.operations import ObjectKind


@dataclass(frozen=True)
class BookedAccount:
    """A registered ad account as the account book names it, for when the database cannot."""

    id: AccountId
    act_id: ActId
    name: str

    def is_called(self, text: str) -> bool:
        """Tell whether somebody means this account by our id or by Meta's, with or without ``act_``."""
        return text in {self.id, self.act_id, self.act_id.removeprefix("act_")}


@dataclass(frozen=True)
class NotedPause:
    """One pause that was asked of Meta outside the journal, noted before it was sent."""

    at: datetime
    act_id: ActId
    kind: ObjectKind
    meta_id: MetaId
    name: str

    def to_record(self) -> dict[str, Any]:
        """Return it as JSON types."""
        return {
            "note": "pausing",
            "at": self.at.isoformat(),
            "act_id": self.act_id,
            "kind": self.kind.value,
            "meta_id": self.meta_id,
            "name": self.name,
        }


@dataclass(frozen=True)
class NotedStop:
    """A stop that is not in the database yet: the pauses that were asked for, and what Meta showed, by account."""

    stop: Stop
    pauses: tuple[NotedPause, ...] = ()
    reports: Mapping[ActId, StopReport] = field(default_factory=dict)

    @property
    def with_reports(self) -> Stop:
        """The stop as faces show it, with what was seen."""
        shown: dict[str, Any] = {act_id: report.to_record() for act_id, report in self.reports.items()}
        return replace(self.stop, report=shown)

    @property
    def unconfirmed(self) -> tuple[NotedPause, ...]:
        """The pauses that Meta has not shown to be true yet."""
        return tuple(pause for pause in self.pauses if self.confirmed(pause) is None)

    @property
    def is_done(self) -> bool:
        """Whether every account was looked at whole and Meta has shown everything off."""
        return bool(self.reports) and all(report.confirmed for report in self.reports.values())

    def confirmed(self, pause: NotedPause) -> ObjectLine | None:
        """Return the report's line of a pause that Meta has shown to be true; None without one."""
        report = self.reports.get(pause.act_id)
        lines = () if report is None else report.objects
        return next((line for line in lines if line.meta_id == pause.meta_id and line.confirmed), None)


def stop_note(stop: Stop) -> dict[str, Any]:
    """Return the first note of a stop, as JSON types."""
    return {
        "note": "stop",
        "stop_id": stop.id,
        "act_id": stop.act_id,
        "reason": stop.reason,
        "by": stop.by,
        "at": stop.at.isoformat(),
    }


def report_note(act_id: ActId, report: StopReport) -> dict[str, Any]:
    """Return the note of what Meta showed of an account, as JSON types."""
    return {"note": "report", "act_id": act_id, "report": report.to_record()}


def noted_stop(records: list[Mapping[str, Any]]) -> NotedStop | None:
    """Rebuild a stop from its notes in the order in which they were written; None where none of them names it."""
    first = next((record for record in records if record["note"] == "stop"), None)
    if first is None:
        return None
    stop = Stop(
        StopId(first["stop_id"]),
        None if first["act_id"] is None else ActId(first["act_id"]),
        first["reason"],
        first["by"],
        datetime.fromisoformat(first["at"]),
    )
    pauses = tuple(_pause(record) for record in records if record["note"] == "pausing")
    reports: dict[ActId, StopReport] = {}
    for record in records:
        if record["note"] == "report":
            act_id = ActId(record["act_id"])
            reports[act_id] = _later(reports.get(act_id), report_from_record(record["report"]))
    return NotedStop(stop, pauses, reports)


def _later(before: StopReport | None, after: StopReport) -> StopReport:
    """Return the later of two looks at an account, with what only the earlier one has a line of."""
    lines = {} if before is None else {line.place: line for line in before.objects}
    return replace(after, objects=tuple((lines | {line.place: line for line in after.objects}).values()))


def _pause(record: Mapping[str, Any]) -> NotedPause:
    return NotedPause(
        datetime.fromisoformat(record["at"]),
        ActId(record["act_id"]),
        ObjectKind(record["kind"]),
        MetaId(record["meta_id"]),
        record["name"],
    )
