"""Moments as people read them: to the minute, in the zone of the account they belong to, with the zone's name."""

from collections.abc import Iterable, Mapping
from datetime import UTC, tzinfo

from autopublisher.domain.accounts.accounts import Account, zone_of
from autopublisher.domain.ids import ActId
from autopublisher.domain.moments import moment_text
from autopublisher.domain.runs.run import Run
from autopublisher.ports.repositories import OpenUnitOfWork

Zones = Mapping[ActId, tzinfo]


def account_zones(open_unit: OpenUnitOfWork) -> Zones:
    """Return the time zone of each registered account; UTC for one that the tz database here does not know."""
    with open_unit().reading() as unit:
        return zones_of(unit.accounts.all())


def zones_of(accounts: Iterable[Account]) -> Zones:
    """Return the time zone of each account."""
    return {account.act_id: zone_of(account.timezone) or UTC for account in accounts}


def zone_for(zones: Zones, act_id: ActId | None) -> tzinfo:
    """Return the zone of what belongs to an account; of what belongs to none, the one that all accounts share, else UTC."""
    if act_id is not None:
        return zones.get(act_id, UTC)
    shared = set(zones.values())
    return shared.pop() if len(shared) == 1 else UTC


def standing_text(run: Run, zone: tzinfo) -> str:
    """Return a run's status; of one that waits for its moment, with that moment."""
    if run.begins_at is None:
        return run.status.value
    return f"{run.status.value}, scheduled for {moment_text(run.begins_at.astimezone(zone))}"
