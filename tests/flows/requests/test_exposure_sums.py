"""Exposure from stored counts is what the journals say row by row, whatever happened, in sums and on every page."""

from datetime import timedelta
from random import Random

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from autopublisher.adapters.memory.unit_of_work import MemoryDatabase
from autopublisher.flows.watch.count_check import CountCheck
from autopublisher.flows.writes.money_gate import MoneyGate
from support.exposure_histories import ACT_ID, check_exposure, shown_by_meta
from support.reservation_histories import START, History
from unit.domain.samples import ACCOUNT, run_of


@given(seed=st.integers(0, 2**32), hours=st.integers(-100, 1000))
@settings(max_examples=60, phases=[Phase.generate])
def test_the_sums_are_what_the_journals_say(seed: int, hours: int) -> None:
    database, now = MemoryDatabase(), START + timedelta(hours=hours)
    history = History(database.unit_of_work, Random(seed), ACCOUNT, run_of())  # noqa: S311 - no secret
    history.begin()
    history.play(40)
    shown_by_meta(history)
    check_exposure(history.open_unit, history.runs, now)
    CountCheck(database.unit_of_work, MoneyGate())(ACT_ID, None, now)
    theirs = {run.id for run in database.tables.runs.values() if run.act_id == ACT_ID}
    assert theirs <= set(database.tables.counted)
    check_exposure(history.open_unit, history.runs, now)
