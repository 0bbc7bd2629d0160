"""What every MetaAds does, proved on the SDK client against the simulator and on the fake in memory alike."""

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import pytest

from autopublisher.adapters.clock_simulated import SimulatedClock
from autopublisher.adapters.memory.clock import ManualClock
from autopublisher.adapters.memory.meta_ads import MemoryMetaAds
from autopublisher.adapters.meta.client import SdkMetaAds
from autopublisher.adapters.meta.session import Credentials
from autopublisher.domain.accounts.accounts import AdAccountFacts, MinimumBudgets
from autopublisher.domain.amounts import Money
from autopublisher.domain.errors import MetaNotFoundError, MetaRefusedError
from autopublisher.domain.ids import ActId, MetaId
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.meta.object_state import ObjectState
from autopublisher.domain.meta.readback import READ_FIELDS, differences
from autopublisher.ports.meta.client import MetaAds, MetaClients
from autopublisher.ports.meta.token import MetaToken
from autopublisher.ports.meta.writing import Write
from metasim.config import SimulatorConfig
from metasim.server import SimulatorThread
from support.pictures import picture

ACT = ActId("act_123456789")
NOBODY = ActId("act_999")
NOTHING = MetaId("120999999999999999")
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
FACTS = AdAccountFacts(
    act_id=ACT,
    name="Demo account",
    status=1,
    currency="EUR",
    timezone="Europe/Madrid",
    minimum_spend_cap=Money(10_000, "EUR"),
    default_dsa_beneficiary="Demo Advertiser SL",
    default_dsa_payor="Demo Advertiser SL",
    business_id="5001",
    amount_spent=Money(0, "EUR"),
    balance=Money(0, "EUR"),
)
MINIMUMS = MinimumBudgets(Money(50, "EUR"), Money(250, "EUR"), Money(4000, "EUR"), Money(250, "EUR"))


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorThread]:
    with SimulatorThread(SimulatorConfig(scenario="demo")) as running:
        yield running


class Clients(MetaClients, MetaToken, Protocol):
    """All that an adapter provides."""


@pytest.fixture(params=["simulator", "memory"])
def clients(request: pytest.FixtureRequest) -> Iterator[Clients]:
    if request.param == "memory":
        yield MemoryMetaAds(ManualClock(NOW), FACTS, MINIMUMS)
        return
    url = request.getfixturevalue("simulator").url
    with SimulatedClock(url) as clock, SdkMetaAds(Credentials("stub-token"), clock, url) as client:
        yield client


@pytest.fixture
def meta(clients: Clients) -> MetaAds:
    return clients.for_account(ACT)


@pytest.fixture
def token(request: pytest.FixtureRequest) -> str:
    """Return a naming token no other test uses: they share the simulator."""
    digest = hashlib.blake2b(request.node.nodeid.encode(), digest_size=8).hexdigest()
    return f"[ap-{digest}-campaign]"


def campaign(name: str, status: str = "PAUSED") -> dict[str, Any]:
    return {
        "name": name,
        "objective": "OUTCOME_SALES",
        "status": status,
        "special_ad_categories": [],
        "is_adset_budget_sharing_enabled": False,
    }


def ad_set(name: str, campaign_id: str) -> dict[str, Any]:
    return {
        "name": name,
        "campaign_id": campaign_id,
        "status": "PAUSED",
        "billing_event": "IMPRESSIONS",
        "optimization_goal": "OFFSITE_CONVERSIONS",
        "bid_strategy": "LOWEST_COST_WITHOUT_CAP",
        "lifetime_budget": 5000,
        "start_time": "2026-11-22T09:00:00+00:00",
        "end_time": "2026-11-23T09:00:00+00:00",
        "promoted_object": {"pixel_id": "2001", "custom_event_type": "PURCHASE"},
        "targeting": {
            "geo_locations": {"countries": ["ES"]},
            "targeting_automation": {"advantage_audience": 0},
        },
    }


def study(name: str, members: Sequence[str]) -> dict[str, Any]:
    cells = [
        {"name": f"Variant {n}", "treatment_percentage": 50, "adsets": [one]} for n, one in enumerate(members)
    ]
    starts = int((NOW + timedelta(hours=1)).timestamp())
    times = {"start_time": starts, "end_time": starts + 86_400}
    return {"name": name, "type": "SPLIT_TEST", **times, "cells": cells}


def two_ad_sets(meta: MetaAds, token: str) -> list[MetaId]:
    parent = meta.create(ObjectKind.CAMPAIGN, campaign(token))
    return [meta.create(ObjectKind.AD_SET, ad_set(f"{token} {n}", parent)) for n in range(2)]


def ids(listed: Sequence[ObjectState]) -> set[str]:
    return {one.id for one in listed}


class HeldError(Exception):
    """What a check of these tests raises."""


def hold() -> None:
    raise HeldError


class TestCreate:
    def test_gives_an_id_under_which_the_object_can_be_read(self, meta: MetaAds, token: str) -> None:
        meta_id = meta.create(ObjectKind.CAMPAIGN, campaign(token))

        read = meta.read(ObjectKind.CAMPAIGN, meta_id, ["id", "name", "status"])

        assert read.raw == {"id": meta_id, "name": token, "status": "PAUSED"}

    def test_repeated_makes_a_second_object(self, meta: MetaAds, token: str) -> None:
        one, two = (meta.create(ObjectKind.CAMPAIGN, campaign(token)) for _ in range(2))

        assert one != two

    def test_puts_a_child_under_its_parent(self, meta: MetaAds, token: str) -> None:
        parent = meta.create(ObjectKind.CAMPAIGN, campaign(token))

        child = meta.create(ObjectKind.AD_SET, ad_set(token, parent))

        assert meta.read(ObjectKind.AD_SET, child, ["campaign_id"]).campaign_id == parent

    def test_under_a_parent_that_does_not_exist_is_refused(self, meta: MetaAds, token: str) -> None:
        with pytest.raises(MetaRefusedError):
            meta.create(ObjectKind.AD_SET, ad_set(token, NOTHING))

    def test_in_an_account_that_does_not_exist_finds_none(self, clients: Clients, token: str) -> None:
        with pytest.raises(MetaNotFoundError):
            clients.for_account(NOBODY).create(ObjectKind.CAMPAIGN, campaign(token))


class TestUpdate:
    def test_sets_what_is_read_afterwards(self, meta: MetaAds, token: str) -> None:
        meta_id = meta.create(ObjectKind.CAMPAIGN, campaign(token))

        meta.update(meta_id, {"status": "ACTIVE"})

        assert meta.read(ObjectKind.CAMPAIGN, meta_id, ["status"]).status == "ACTIVE"

    def test_may_be_repeated(self, meta: MetaAds, token: str) -> None:
        meta_id = meta.create(ObjectKind.CAMPAIGN, campaign(token, "ACTIVE"))

        for _ in range(2):
            meta.update(meta_id, {"status": "PAUSED"})

        assert meta.read(ObjectKind.CAMPAIGN, meta_id, ["status"]).status == "PAUSED"

    def test_of_nothing_finds_none(self, meta: MetaAds) -> None:
        with pytest.raises(MetaNotFoundError):
            meta.update(NOTHING, {"status": "PAUSED"})

    def test_of_a_deleted_object_is_refused(self, meta: MetaAds, token: str) -> None:
        meta_id = meta.create(ObjectKind.CAMPAIGN, campaign(token))
        meta.delete(meta_id)

        with pytest.raises(MetaRefusedError):
            meta.update(meta_id, {"status": "ACTIVE"})


class TestTogether:
    def test_each_write_has_an_outcome_of_its_own(self, meta: MetaAds, token: str) -> None:
        there = meta.create(ObjectKind.CAMPAIGN, campaign(token))
        writes = [
            Write(ObjectKind.CAMPAIGN, campaign(f"{token} 2")),
            Write(ObjectKind.AD_SET, ad_set(token, NOTHING)),
            Write(ObjectKind.CAMPAIGN, {"status": "ACTIVE"}, there),
        ]
        checks: list[str] = []

        with meta.checked(lambda: checks.append("checked")):
            made, refused, changed = meta.write_together(writes)

        assert isinstance(refused, MetaRefusedError)
        assert (changed, checks) == (there, ["checked"])
        statuses = {one.id: one.status for one in meta.find(ObjectKind.CAMPAIGN, token, ["id", "status"])}
        assert statuses == {made: "PAUSED", there: "ACTIVE"}
        assert meta.room() > 1

    def test_what_the_last_check_holds_back_is_not_sent(self, meta: MetaAds, token: str) -> None:
        writes = [Write(ObjectKind.CAMPAIGN, campaign(f"{token} {number}")) for number in range(2)]

        with meta.checked(hold), pytest.raises(HeldError):
            meta.write_together(writes)

        assert list(meta.find(ObjectKind.CAMPAIGN, token, ["id"])) == []


class TestDelete:
    def test_leaves_the_object_readable_as_deleted(self, meta: MetaAds, token: str) -> None:
        meta_id = meta.create(ObjectKind.CAMPAIGN, campaign(token))

        meta.delete(meta_id)

        assert meta.read(ObjectKind.CAMPAIGN, meta_id, ["status"]).status == "DELETED"

    def test_takes_the_object_out_of_what_is_found(self, meta: MetaAds, token: str) -> None:
        meta_id = meta.create(ObjectKind.CAMPAIGN, campaign(token))

        meta.delete(meta_id)

        assert list(meta.find(ObjectKind.CAMPAIGN, token, ["id"])) == []

    def test_of_nothing_finds_none(self, meta: MetaAds) -> None:
        with pytest.raises(MetaNotFoundError):
            meta.delete(NOTHING)


class TestRead:
    def test_of_nothing_finds_none(self, meta: MetaAds) -> None:
        with pytest.raises(MetaNotFoundError):
            meta.read(ObjectKind.AD, NOTHING, ["name"])


class TestFind:
    def test_finds_paused_and_active_objects_with_the_text(self, meta: MetaAds, token: str) -> None:
        expected = {
            meta.create(ObjectKind.CAMPAIGN, campaign(f"Autumn {token}", status))
            for status in ("PAUSED", "ACTIVE")
        }

        assert ids(meta.find(ObjectKind.CAMPAIGN, token, ["id"])) == expected

    def test_leaves_out_what_has_another_name(self, meta: MetaAds, token: str) -> None:
        meta.create(ObjectKind.CAMPAIGN, campaign("[ap-0000000000000000-campaign]"))

        assert list(meta.find(ObjectKind.CAMPAIGN, token, ["id"])) == []

    def test_minds_upper_and_lower_case(self, meta: MetaAds, token: str) -> None:
        meta.create(ObjectKind.CAMPAIGN, campaign(token.upper()))

        assert list(meta.find(ObjectKind.CAMPAIGN, token, ["id"])) == []

    def test_leaves_out_other_kinds(self, meta: MetaAds, token: str) -> None:
        meta.create(ObjectKind.CAMPAIGN, campaign(token))

        assert list(meta.find(ObjectKind.AD_SET, token, ["id"])) == []

    def test_gives_the_fields_asked_for(self, meta: MetaAds, token: str) -> None:
        meta.create(ObjectKind.CAMPAIGN, campaign(token))

        found = meta.find(ObjectKind.CAMPAIGN, token, ["id", "name", "effective_status"])

        assert [(one.name, one.effective_status) for one in found] == [(token, "PAUSED")]


class TestStudies:
    def test_show_what_was_asked_for(self, meta: MetaAds, token: str) -> None:
        asked = study(token, two_ad_sets(meta, token))

        meta_id = meta.create(ObjectKind.STUDY, asked)

        read = meta.read(ObjectKind.STUDY, meta_id, READ_FIELDS[ObjectKind.STUDY])
        assert differences({**asked, "status": "ACTIVE"}, read.raw) == []

    def test_are_found_in_the_business_of_the_account(self, meta: MetaAds, token: str) -> None:
        meta_id = meta.create(ObjectKind.STUDY, study(token, two_ad_sets(meta, token)))

        assert [(one.id, one.status) for one in meta.find(ObjectKind.STUDY, token, ["id", "status"])] == [
            (meta_id, "ACTIVE")
        ]

    def test_end_when_they_are_told_to(self, meta: MetaAds, token: str) -> None:
        asked = study(token, two_ad_sets(meta, token))
        meta_id = meta.create(ObjectKind.STUDY, asked)
        later = {"end_time": asked["end_time"] + 3600}

        meta.update(meta_id, later)

        assert differences(later, meta.read(ObjectKind.STUDY, meta_id, ["end_time"]).raw) == []

    def test_once_cancelled_are_shown_as_deleted_and_found_no_more(self, meta: MetaAds, token: str) -> None:
        meta_id = meta.create(ObjectKind.STUDY, study(token, two_ad_sets(meta, token)))

        meta.delete(meta_id)

        assert meta.read(ObjectKind.STUDY, meta_id, ["status"]).status == "DELETED"
        assert list(meta.find(ObjectKind.STUDY, token, ["id"])) == []

    def test_take_no_ad_set_that_another_one_has(self, meta: MetaAds, token: str) -> None:
        members = two_ad_sets(meta, token)
        meta.create(ObjectKind.STUDY, study(token, members))

        with pytest.raises(MetaRefusedError):
            meta.create(ObjectKind.STUDY, study(token, members))


class TestTheLastCheck:
    def test_keeps_a_create_from_being_made(self, meta: MetaAds, token: str) -> None:
        with meta.checked(hold), pytest.raises(HeldError):
            meta.create(ObjectKind.CAMPAIGN, campaign(token))

        assert list(meta.find(ObjectKind.CAMPAIGN, token, ["id"])) == []

    def test_keeps_an_object_as_it_is(self, meta: MetaAds, token: str) -> None:
        meta_id = meta.create(ObjectKind.CAMPAIGN, campaign(token))

        with meta.checked(hold):
            with pytest.raises(HeldError):
                meta.update(meta_id, {"status": "ACTIVE"})
            with pytest.raises(HeldError):
                meta.delete(meta_id)

        assert meta.read(ObjectKind.CAMPAIGN, meta_id, ["status"]).status == "PAUSED"

    def test_keeps_a_picture_from_being_sent(self, meta: MetaAds) -> None:
        with meta.checked(hold), pytest.raises(HeldError):
            meta.upload_image("a.png", picture(1))

    def test_is_about_no_read(self, meta: MetaAds, token: str) -> None:
        with meta.checked(hold):
            assert meta.account().act_id == ACT
            assert list(meta.find(ObjectKind.CAMPAIGN, token, ["id"])) == []

    def test_is_made_once_for_each_write(self, meta: MetaAds, token: str) -> None:
        checks: list[str] = []

        with meta.checked(lambda: checks.append("checked")):
            meta.create(ObjectKind.CAMPAIGN, campaign(token))

        assert checks == ["checked"]

    def test_ends_with_its_block(self, meta: MetaAds, token: str) -> None:
        with meta.checked(hold):
            pass

        meta.create(ObjectKind.CAMPAIGN, campaign(token))

    def test_is_about_no_other_thread(self, meta: MetaAds, token: str) -> None:
        with meta.checked(hold), ThreadPoolExecutor(1) as pool:
            pool.submit(meta.create, ObjectKind.CAMPAIGN, campaign(token)).result(timeout=30)


class TestImages:
    def test_of_equal_content_have_one_hash(self, meta: MetaAds) -> None:
        one, two = (meta.upload_image(name, picture(1)) for name in ("a.png", "b.png"))

        assert one == two

    def test_of_other_content_have_another_hash(self, meta: MetaAds) -> None:
        one, two = (meta.upload_image("a.png", picture(number)) for number in (1, 2))

        assert one != two

    def test_can_be_read_by_their_hash(self, meta: MetaAds) -> None:
        image = meta.upload_image("a.png", picture(1))

        assert meta.read(ObjectKind.IMAGE, image, ["hash"]).raw["hash"] == image


class TestAccount:
    def test_is_described(self, meta: MetaAds) -> None:
        assert meta.account() == FACTS

    def test_that_does_not_exist_is_not_found(self, clients: Clients) -> None:
        with pytest.raises(MetaNotFoundError):
            clients.for_account(NOBODY).account()

    def test_has_minimum_budgets(self, meta: MetaAds) -> None:
        assert meta.minimum_budgets() == MINIMUMS

    def test_may_be_managed(self, clients: Clients) -> None:
        assert {"ads_management", "ads_read"} <= clients.permissions()


class TestInsights:
    def test_without_delivery_have_no_row(self, meta: MetaAds, token: str) -> None:
        parent = meta.create(ObjectKind.CAMPAIGN, campaign(token))
        child = meta.create(ObjectKind.AD_SET, ad_set(token, parent))

        assert list(meta.ad_sets([child], NOW, NOW)) == list(meta.ad_sets(None, NOW, NOW)) == []
        assert meta.insights_of(MetaId(ACT), NOW, NOW) is None
