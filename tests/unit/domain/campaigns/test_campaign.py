"""The table of a campaign's states, and that nothing that Meta can show leads off it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopublisher.domain.amounts import Money
from autopublisher.domain.campaigns.campaign import TRANSITIONS, Campaign, CampaignState, Reason
from autopublisher.domain.campaigns.shown import Shown, following, state_of
from autopublisher.domain.errors import TransitionError
from autopublisher.domain.ids import ActId, CampaignId, MetaId, RunId
from autopublisher.domain.meta.review import BLOCKED, IN_REVIEW

NOW = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)
EURO = "EUR"
STATUSES = st.sampled_from(["", "ACTIVE", "PAUSED", "DELETED", "ARCHIVED"])

OPENED = Campaign(
    id=CampaignId("run:final"),
    run_id=RunId("run"),
    act_id=ActId("act_1"),
    state=CampaignState.BUILDING,
    since=NOW,
    budget=Money(300_00, EURO),
    starts_at=NOW,
    ends_at=NOW + 14 * DAY,
)
LIVE = Shown(
    campaign_meta_id=MetaId("1"),
    ad_set_meta_id=MetaId("2"),
    ad_meta_id=MetaId("3"),
    budget=Money(300_00, EURO),
    starts_at=NOW,
    ends_at=NOW + 14 * DAY,
    status="ACTIVE",
    ad_status="ACTIVE",
    review="ACTIVE",
    why="",
    off_by=Reason.PAUSED_AT_META,
    was_on=True,
    ended_early=False,
    run_ended=False,
    spent_at_most=None,
)

anything = st.builds(
    replace,
    st.just(LIVE),
    status=STATUSES,
    ad_status=STATUSES,
    review=st.sampled_from(["", "ACTIVE", *sorted(BLOCKED), *sorted(IN_REVIEW)]),
    ends_at=st.integers(-2, 20).map(lambda days: NOW + days * DAY),
    was_on=st.booleans(),
    ended_early=st.booleans(),
    run_ended=st.booleans(),
    spent_at_most=st.none() | st.integers(0, 300_00),
)


@given(st.lists(st.tuples(anything, st.integers(0, 3)), max_size=6))
def test_whatever_meta_shows_each_version_follows_the_one_before_by_a_move_of_the_table(
    looks: list[tuple[Shown, int]],
) -> None:
    campaign, now = OPENED, NOW
    for shown, days in looks:
        now += days * DAY
        for step in following(campaign, shown, now):
            assert step.version == campaign.version + 1
            assert step.state is campaign.state or step.state in TRANSITIONS[campaign.state]
            assert step.since >= campaign.since or step.state is CampaignState.ENDED
            campaign = step
        assert following(campaign, shown, now) == ()  # a repeated look finds nothing left to do
        assert campaign.state is CampaignState.SETTLED or campaign.state is state_of(campaign, shown, now)[0]


@pytest.mark.parametrize("state", list(CampaignState))
def test_only_the_moves_of_the_table_can_be_made(state: CampaignState) -> None:
    for wanted in CampaignState:
        campaign = replace(OPENED, state=state)
        if wanted in TRANSITIONS[state]:
            assert campaign.moved(wanted, NOW).state is wanted
        else:
            with pytest.raises(TransitionError):
                campaign.moved(wanted, NOW)


@pytest.mark.parametrize(
    ("shown", "state", "reason"),
    [
        ({}, "delivering", None),
        ({"review": "PENDING_REVIEW"}, "in_review", None),
        ({"review": "DISAPPROVED", "why": "DISAPPROVED: too loud"}, "refused", Reason.REVIEW),
        ({"status": "PAUSED"}, "paused", Reason.PAUSED_AT_META),
        ({"status": "PAUSED", "off_by": Reason.STOP}, "paused", Reason.STOP),
        ({"ad_status": "DELETED"}, "paused", Reason.AD_GONE),
        ({"status": "", "ad_status": "", "was_on": False}, "building", None),
        ({"status": "DELETED"}, "ended", Reason.GONE),
        ({"ends_at": NOW - DAY}, "ended", Reason.TIME_OVER),
        ({"ends_at": NOW - DAY, "ended_early": True}, "ended", Reason.ENDED_EARLY),
        ({"run_ended": True, "status": "PAUSED"}, "ended", Reason.RUN_ENDED),
        ({"spent_at_most": 290_01}, "settled", Reason.TIME_OVER),
    ],
)
def test_a_campaign_stands_where_meta_shows_it(
    shown: dict[str, object], state: str, reason: Reason | None
) -> None:
    found = (OPENED, *following(OPENED, replace(LIVE, **shown), NOW))[-1]  # type: ignore[arg-type] # any field
    assert (found.state, found.reason) == (CampaignState(state), reason)
    assert found.detail == shown.get("why", "")


def test_a_campaign_that_settled_while_nobody_looked_went_through_its_end() -> None:
    known = OPENED.moved(CampaignState.DELIVERING, NOW).with_spend(Money(290_00, EURO), NOW + DAY)
    ended, settled = following(known, replace(LIVE, spent_at_most=290_01), NOW + 40 * DAY)
    assert (ended.state, ended.since) == (CampaignState.ENDED, OPENED.ends_at)
    assert (settled.state, settled.since) == (CampaignState.SETTLED, NOW + 40 * DAY)
    assert settled.spent == Money(
        290_00, EURO
    )  # Meta's figure, not what is counted beside it for its rounding


def test_what_was_spent_besides_meta_s_last_figure_counts_once_it_has_settled() -> None:
    known = OPENED.moved(CampaignState.ENDED, NOW).with_spend(Money(280_00, EURO), NOW)
    (settled,) = following(known, replace(LIVE, spent_at_most=290_01), NOW)
    assert settled.spent == Money(290_01, EURO)
    assert settled.with_spend(Money(1, EURO), NOW) == settled


def test_the_clock_alone_ends_a_campaign_and_starts_none() -> None:
    running = OPENED.moved(CampaignState.DELIVERING, NOW)
    assert running.by_time(NOW) == running
    over = running.by_time(OPENED.ends_at + DAY)
    assert (over.state, over.since, over.reason) == (CampaignState.ENDED, OPENED.ends_at, Reason.TIME_OVER)
    assert over.by_time(OPENED.ends_at + 2 * DAY) == over


def test_a_reason_is_said_with_metas_own_words() -> None:
    (refused,) = following(OPENED, replace(LIVE, review="DISAPPROVED", why="DISAPPROVED: too loud"), NOW)
    assert refused.because == Reason.REVIEW(detail="DISAPPROVED: too loud")
    assert OPENED.because is None
