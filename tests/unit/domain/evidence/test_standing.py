"""Where a test stands: what it says of a poll is what judging the whole history says of it."""

from dataclasses import replace

import pytest

from autopublisher.domain.evidence import Design, Kind, Snapshot, Standing, judge_running
from autopublisher.domain.evidence.money_decision import MoneyTerms
from autopublisher.domain.evidence.money_replay import money_so_far
from support.golden_decisions import golden_case

CASES = (1, 5, 7, 9, 11, 21, 27)
"""Golden cases with a planned time between polls: two to five variants, gaps, corrections, moved money, open ends."""


def followed(number: int, at_once: int) -> tuple[int, int]:
    """Follow a test poll by poll, so many at once; return how often nothing was due, and how often it was judged whole."""
    case, standing = golden_case(number), None
    quiet = whole = 0
    for end in range(at_once, len(case.history), at_once):
        known = case.history[:end]
        further = None if standing is None else standing.after(known[-at_once:])
        if further is not None:
            standing, quiet = further, quiet + 1
            if quiet % 3 == 0:
                assert_same(further, case.design, known)
            continue
        verdict, standing = judge_running(case.design, known)
        whole += 1
        if verdict.ends_test:
            break
    return quiet, whole


def assert_same(standing: Standing, design: Design, known: tuple[Snapshot, ...]) -> None:
    verdict, anew = judge_running(design, known)
    assert verdict.kind is Kind.NOT_YET
    assert anew is not None
    assert (standing.active, standing.analyses) == (anew.active, anew.analyses)
    assert standing.share == pytest.approx(anew.share)
    for name in ("hours", "spend", "peak"):
        assert getattr(standing.readings, name).tobytes() == getattr(anew.readings, name).tobytes()
    assert vars(standing.readings.baskets) == {
        name: pytest.approx(sums) for name, sums in vars(anew.readings.baskets).items()
    }
    assert standing.clock == pytest.approx(anew.clock, rel=1e-8)


@pytest.mark.parametrize("number", CASES)
def test_where_nothing_is_due_judging_the_whole_history_finds_nothing(number: int) -> None:
    followed(number, 1)


def test_most_polls_bring_nothing_to_decide() -> None:
    quiet, whole = (sum(each) for each in zip(*(followed(number, 1) for number in (7, 27)), strict=True))
    assert quiet > 2 * whole


@pytest.mark.parametrize("number", CASES[::3])
def test_several_polls_at_once_are_as_good_as_one_by_one(number: int) -> None:
    quiet, _ = followed(number, 3)
    assert quiet


def standing_of(design: Design, history: tuple[Snapshot, ...]) -> Standing:
    _, standing = judge_running(design, history)
    assert standing is not None
    return standing


CASE = golden_case(7)
EARLY = CASE.history[:60]
NEXT = CASE.history[60]


def test_a_poll_without_a_planned_time_between_polls_is_judged_whole() -> None:
    assert judge_running(replace(CASE.design, poll_hours=None), EARLY)[1] is None


@pytest.mark.parametrize(
    "poll",
    [
        replace(NEXT, edited=True),
        replace(NEXT, hour=EARLY[-1].hour),
        replace(NEXT, hour=EARLY[-1].hour - 2),
        replace(NEXT, figures=tuple(replace(each, impressions=1.0) for each in NEXT.figures)),
        replace(NEXT, figures=tuple(replace(each, spend=0.0) for each in NEXT.figures)),
        replace(NEXT, hour=EARLY[-1].hour + 90),
        replace(NEXT, cohorts=tuple(((0.0, 0.0),) for _ in NEXT.figures)),
    ],
    ids=["edited", "again", "late", "fallen", "no spend", "after a gap", "by day of the click"],
)
def test_a_poll_that_may_be_unsound_is_judged_whole(poll: Snapshot) -> None:
    standing = standing_of(CASE.design, EARLY)
    assert standing.after((NEXT,)) is not None
    assert standing.after((poll,)) is None


def test_no_poll_leaves_everything_as_it_stood() -> None:
    standing = standing_of(CASE.design, EARLY)
    assert standing.after(()) is standing


@pytest.mark.parametrize("number", [2, 22])
def test_a_money_look_is_due_at_the_polls_at_which_money_looks(number: int) -> None:
    case = golden_case(number)
    design = replace(case.design, poll_hours=1.0)
    everyone = tuple(range(len(design.variants)))
    terms = MoneyTerms(total_budget=1e6)
    looks = set()
    for end in range(2, len(case.history)):
        found = money_so_far(design, case.history[:end], terms, everyone, after=case.history[end - 2].hour)
        if found is not None:
            looks.add(end)
    noted, standing = set(), None
    for end in range(1, len(case.history)):
        known = case.history[:end]
        standing = None if standing is None else standing.after(known[-1:])
        if standing is None:
            noted.add(end)
            standing = judge_running(design, known)[1]
        elif standing.is_money_due:
            noted.add(end)
            standing = replace(standing, looked=len(standing.readings))
    assert looks
    assert looks <= noted
    assert len(noted) < len(case.history) / 2
