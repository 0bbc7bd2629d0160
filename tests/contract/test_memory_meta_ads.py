"""Meta's ads in memory: what the flows' tests may rely upon."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from autopublisher.adapters.memory.clock import ManualClock
from autopublisher.adapters.memory.meta_ads import Fault, MemoryMetaAds
from autopublisher.domain.accounts.accounts import AdAccountFacts, MinimumBudgets
from autopublisher.domain.amounts import Money
from autopublisher.domain.errors import MetaNotFoundError, MetaOutcomeUnknownError, MetaRefusedError
from autopublisher.domain.ids import ActId, MetaId
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.meta.insights import InsightsRow
from autopublisher.ports.meta.client import MetaClients
from autopublisher.ports.meta.token import MetaToken

START = datetime(2026, 3, 1, tzinfo=UTC)
ACT = ActId("act_1")
CAMPAIGN, AD_SET, AD = ObjectKind.CAMPAIGN, ObjectKind.AD_SET, ObjectKind.AD


@pytest.fixture
def meta() -> MemoryMetaAds:
    one = Money(100, "EUR")
    facts = AdAccountFacts(ACT, "Shoes", 1, "EUR", "Europe/Madrid", minimum_spend_cap=one)
    return MemoryMetaAds(ManualClock(START), facts, MinimumBudgets(one, one, one, one))


def campaign(meta: MemoryMetaAds, name: str = "Spring [ap-1]", status: str = "PAUSED") -> MetaId:
    return meta.create(ACT, CAMPAIGN, {"name": name, "status": status})


def test_it_is_what_the_flows_ask_for(meta: MemoryMetaAds) -> None:
    clients: MetaClients = meta
    token: MetaToken = meta
    assert token.permissions() == {"ads_management", "ads_read"}
    assert clients.for_account(ACT).account() == meta.facts


def test_a_created_object_reads_as_it_was_asked_for(meta: MemoryMetaAds) -> None:
    meta_id = campaign(meta)
    assert meta.read(CAMPAIGN, meta_id, ["id", "name", "created_time", "spend_cap"]).raw == {
        "id": meta_id,
        "name": "Spring [ap-1]",
        "created_time": "2026-03-01T00:00:00+00:00",
    }


def test_an_update_sets_what_it_names_and_nothing_else(meta: MemoryMetaAds) -> None:
    meta_id = campaign(meta)
    meta.update(meta_id, {"status": "ACTIVE"})
    expected = {"name": "Spring [ap-1]", "status": "ACTIVE"}
    assert meta.read(CAMPAIGN, meta_id, ["name", "status"]).raw == expected


def test_an_ad_follows_the_status_of_what_holds_it(meta: MemoryMetaAds) -> None:
    above = campaign(meta)
    ad_set = meta.create(ACT, AD_SET, {"name": "A", "status": "ACTIVE", "campaign_id": above})
    ad = meta.create(ACT, AD, {"name": "A", "status": "ACTIVE", "adset_id": ad_set})
    seen = [meta.read(AD, ad, ["effective_status"])]
    for one, status in [(above, "ACTIVE"), (ad_set, "PAUSED"), (ad, "PAUSED")]:
        meta.update(one, {"status": status})
        seen.append(meta.read(AD, ad, ["effective_status"]))
    statuses = [one.effective_status for one in seen]
    assert statuses == ["CAMPAIGN_PAUSED", "ACTIVE", "ADSET_PAUSED", "PAUSED"]


def test_an_ad_set_needs_its_campaign(meta: MemoryMetaAds) -> None:
    with pytest.raises(MetaRefusedError, match="campaign_id names no campaign"):
        meta.create(ACT, AD_SET, {"name": "A", "campaign_id": "7"})


def test_objects_are_found_by_a_part_of_their_name(meta: MemoryMetaAds) -> None:
    meta_id = campaign(meta, "Spring [ap-1]")
    campaign(meta, "Summer [ap-2]")
    assert [one.id for one in meta.find(ACT, CAMPAIGN, "[ap-1]", ["id"])] == [meta_id]


def test_a_deleted_object_is_listed_no_more_but_can_be_read(meta: MemoryMetaAds) -> None:
    meta_id = campaign(meta)
    meta.delete(meta_id)
    assert meta.find(ACT, CAMPAIGN, "", ["id"]) == []
    assert meta.read(CAMPAIGN, meta_id, ["status"]).raw == {"status": "DELETED"}


def test_an_archived_object_is_listed_apart(meta: MemoryMetaAds) -> None:
    archived, _ = campaign(meta, "Spring [ap-1]"), campaign(meta, "Summer [ap-1]")
    meta.update(archived, {"status": "ARCHIVED"})
    assert archived not in {one.id for one in meta.find(ACT, CAMPAIGN, "[ap-1]", ["id"])}
    assert [one.id for one in meta.archived(ACT, CAMPAIGN, "[ap-1]", ["id"])] == [archived]


def test_ads_are_found_with_what_belongs_to_them(meta: MemoryMetaAds) -> None:
    above = campaign(meta)
    ad_set = meta.create(ACT, AD_SET, {"name": "A", "status": "ACTIVE", "campaign_id": above})
    ads = [
        meta.create(ACT, AD, {"name": f"{n} [ap-1]", "status": "PAUSED", "adset_id": ad_set}) for n in "ab"
    ]
    found = meta.tree(ACT, "[ap-1]", {AD: ["status"], AD_SET: ["status"], CAMPAIGN: ["status"]})
    assert sorted((one.id, one.status) for one in found) == [
        (above, "PAUSED"),
        (ad_set, "ACTIVE"),
        *((ad, "PAUSED") for ad in ads),
    ]
    meta.update(ads[0], {"status": "ARCHIVED"})
    assert [one.id for one in meta.tree(ACT, "[ap-1]", {AD: ["status"]})] == ads[1:]


def test_a_deleted_object_cannot_be_changed(meta: MemoryMetaAds) -> None:
    meta_id = campaign(meta)
    meta.delete(meta_id)
    with pytest.raises(MetaRefusedError, match="is deleted"):
        meta.update(meta_id, {"status": "ACTIVE"})


def test_an_object_of_another_kind_is_not_found(meta: MemoryMetaAds) -> None:
    with pytest.raises(MetaNotFoundError):
        meta.read(AD, campaign(meta), ["id"])


def test_another_account_is_not_found(meta: MemoryMetaAds) -> None:
    with pytest.raises(MetaNotFoundError):
        meta.account(ActId("act_2"))


def test_the_same_picture_has_the_same_hash(meta: MemoryMetaAds) -> None:
    first, second, other = (meta.upload_image(ACT, "red", content) for content in (b"1", b"1", b"2"))
    assert (first == second, first == other) == (True, False)


def test_a_fault_strikes_before_the_work_is_done(meta: MemoryMetaAds) -> None:
    meta.faults.append(Fault(MetaRefusedError("no")))
    with pytest.raises(MetaRefusedError, match="no"):
        campaign(meta)
    assert meta.objects == {}


def test_a_fault_can_strike_after_the_work_is_done(meta: MemoryMetaAds) -> None:
    meta.faults.append(Fault(MetaOutcomeUnknownError("connection lost"), done=True))
    with pytest.raises(MetaOutcomeUnknownError, match="connection lost"):
        campaign(meta)
    assert len(meta.find(ACT, CAMPAIGN, "Spring", ["id"])) == 1


def test_a_fault_strikes_once_and_only_its_method(meta: MemoryMetaAds) -> None:
    meta.faults.append(Fault(MetaRefusedError("no"), method="update"))
    meta_id = campaign(meta)
    with pytest.raises(MetaRefusedError):
        meta.update(meta_id, {"status": "ACTIVE"})
    meta.update(meta_id, {"status": "ACTIVE"})
    assert meta.faults == []


def test_every_call_is_on_record(meta: MemoryMetaAds) -> None:
    meta.delete(campaign(meta))
    assert [call.method for call in meta.calls] == ["create", "delete"]


def test_figures_come_for_the_ad_sets_that_have_some(meta: MemoryMetaAds) -> None:
    meta.insights[MetaId("7")] = {"spend": "1.50"}
    rows = meta.ad_sets(ACT, [MetaId("6"), MetaId("7")], START, START)
    assert rows == [InsightsRow(MetaId("7"), {"spend": "1.50"})]


def test_figures_of_one_object_come_by_its_id_when_it_is_deleted_too(meta: MemoryMetaAds) -> None:
    meta_id = campaign(meta)
    assert meta.insights_of(ACT, meta_id, START, START) is None
    meta.insights[meta_id] = {"spend": "1.50"}
    meta.delete(meta_id)
    assert meta.insights_of(ACT, meta_id, START, START) == InsightsRow(meta_id, {"spend": "1.50"})


def test_what_is_deleted_has_no_row_among_all_and_counts_in_the_accounts_own(meta: MemoryMetaAds) -> None:
    parents = [campaign(meta), campaign(meta)]
    ad_sets = [meta.create(ACT, ObjectKind.AD_SET, {"name": "A", "campaign_id": one}) for one in parents]
    meta.insights = {one: {"spend": "1.50"} for one in ad_sets}
    meta.delete(parents[0])
    assert [row.object_id for row in meta.ad_sets(ACT, None, START, START)] == ad_sets[1:]
    assert meta.insights_of(ACT, MetaId(ACT), START, START) == InsightsRow(MetaId(ACT), {"spend": "3.00"})


def test_figures_of_an_object_that_never_was_are_refused(meta: MemoryMetaAds) -> None:
    with pytest.raises(MetaNotFoundError):
        meta.insights_of(ACT, MetaId("6"), START, START)


def test_the_account_is_as_set(meta: MemoryMetaAds) -> None:
    meta.facts = replace(meta.facts, status=2)
    assert (meta.account(ACT).delivers, meta.minimum_budgets(ACT)) == (False, meta.minimums)
