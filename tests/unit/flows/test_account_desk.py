"""Registering ad accounts and keeping creatives."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from autopublisher.adapters.memory.clock import ManualClock
from autopublisher.adapters.memory.meta_ads import Fault, MemoryMetaAds
from autopublisher.adapters.memory.storage import MemoryStorage
from autopublisher.adapters.memory.unit_of_work import MemoryDatabase
from autopublisher.domain.accounts.accounts import AdAccountFacts, AdDefaults, MinimumBudgets
from autopublisher.domain.amounts import Money
from autopublisher.domain.errors import (
    AccountNotFoundError,
    ConflictError,
    InvalidRequestError,
    MetaTransientError,
    UnavailableError,
    UnknownCurrencyError,
)
from autopublisher.domain.ids import AccountId, ActId
from autopublisher.flows.requests.accounts import AccountDesk
from autopublisher.flows.requests.pictures import described
from support.pictures import picture
from support.wording import english

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
ACT = ActId("act_1")
PNG = picture(1)


def facts(currency: str = "EUR") -> AdAccountFacts:
    return AdAccountFacts(ACT, "Shop", 1, currency, "Europe/Madrid", Money(100, currency), business_id="77")


@pytest.fixture
def meta() -> MemoryMetaAds:
    one = Money(100, "EUR")
    return MemoryMetaAds(ManualClock(NOW), facts(), MinimumBudgets(one, one, one, one))


@pytest.fixture
def storage() -> MemoryStorage:
    return MemoryStorage()


@pytest.fixture
def desk(meta: MemoryMetaAds, storage: MemoryStorage) -> AccountDesk:
    return AccountDesk(MemoryDatabase().unit_of_work, meta, storage, ManualClock(NOW))


def test_what_meta_knows_is_not_typed_in_twice(desk: AccountDesk) -> None:
    account = desk.register(ACT)
    assert (account.name, account.currency, account.timezone, account.business_id) == (
        "Shop",
        "EUR",
        "Europe/Madrid",
        "77",
    )


def test_an_own_name_goes_over_metas(desk: AccountDesk) -> None:
    assert desk.register(ACT, "My shop").name == "My shop"


def test_an_account_cannot_be_registered_twice(desk: AccountDesk) -> None:
    desk.register(ACT)
    with pytest.raises(ConflictError):
        desk.register(ACT)


def test_an_account_meta_does_not_show_is_refused(desk: AccountDesk) -> None:
    with pytest.raises(InvalidRequestError):
        desk.register(ActId("act_2"))


def test_a_silent_meta_means_that_nothing_can_be_verified(desk: AccountDesk, meta: MemoryMetaAds) -> None:
    meta.faults.append(Fault(MetaTransientError("busy"), "account"))
    with pytest.raises(UnavailableError):
        desk.register(ACT)


def test_an_account_in_a_currency_we_cannot_count_is_refused(desk: AccountDesk, meta: MemoryMetaAds) -> None:
    meta.facts = facts("XXX")
    with pytest.raises(UnknownCurrencyError):
        desk.register(ACT)


@pytest.mark.parametrize("timezone", ["TZ_MARS", "", "Europe", "../etc"])
def test_an_account_in_a_time_zone_nobody_here_knows_is_refused_with_the_way_out(
    desk: AccountDesk, meta: MemoryMetaAds, timezone: str
) -> None:
    meta.facts = replace(facts(), timezone=timezone)
    with pytest.raises(InvalidRequestError) as refused:
        desk.register(ACT)
    (problem,) = refused.value.problems
    assert (problem.field, problem.code) == ("timezone", "unknown_timezone")
    assert "tzdata" in english(problem.remedy)


def test_changed_defaults_leave_the_others(desk: AccountDesk) -> None:
    account = desk.register(ACT, defaults=AdDefaults(page_id="1", pixel_id="2"))
    changed = desk.update_defaults(
        account.id, {"page_id": "3", "pixel_id": None, "link_url": "https://a.example"}, "ana"
    )
    assert changed.defaults == AdDefaults(page_id="3", link_url="https://a.example")


def test_changed_defaults_are_kept(desk: AccountDesk) -> None:
    account = desk.register(ACT)
    changed = desk.update_defaults(account.id, {"page_id": "3"}, "ana")
    assert list(desk.list_accounts()) == [changed]


def test_defaults_of_an_unknown_account_are_refused(desk: AccountDesk) -> None:
    with pytest.raises(AccountNotFoundError):
        desk.update_defaults(AccountId("nothing"), {}, "ana")


def test_a_creatives_bytes_lie_under_their_hash(desk: AccountDesk, storage: MemoryStorage) -> None:
    account = desk.register(ACT)
    creative = desk.add_creative(account.id, "Summer", PNG, "ana")
    assert creative.sha256 in creative.storage_key
    assert storage.read(creative.storage_key) == PNG
    assert (creative.width, creative.height) == (described(PNG).width, described(PNG).height)


def test_putting_a_picture_in_again_brings_back_bytes_that_were_lost(
    desk: AccountDesk, storage: MemoryStorage
) -> None:
    account = desk.register(ACT)
    creative = desk.add_creative(account.id, "Red", PNG, "ana")
    storage.write(creative.storage_key, b"damaged")
    assert desk.add_creative(account.id, "Red", PNG, "ana") == creative
    assert storage.read(creative.storage_key) == PNG


def test_the_same_bytes_are_the_same_creative(desk: AccountDesk) -> None:
    account = desk.register(ACT)
    first = desk.add_creative(account.id, "Summer", PNG, "ana")
    assert desk.add_creative(account.id, "Again", PNG, "ana") == first
    assert list(desk.list_creatives(account.id)) == [first]


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"<svg/>"])
def test_what_is_no_image_is_refused(desk: AccountDesk, content: bytes) -> None:
    account = desk.register(ACT)
    with pytest.raises(InvalidRequestError):
        desk.add_creative(account.id, "Summer", content, "ana")


def test_a_creative_without_a_name_is_refused(desk: AccountDesk) -> None:
    account = desk.register(ACT)
    with pytest.raises(InvalidRequestError):
        desk.add_creative(account.id, "  ", PNG, "ana")


def test_a_creative_for_an_unknown_account_is_refused(desk: AccountDesk) -> None:
    with pytest.raises(AccountNotFoundError):
        desk.add_creative(AccountId("nothing"), "Summer", PNG, "ana")
