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
from autopublisher.flows.requests.accounts import Accounts
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
def accounts(meta: MemoryMetaAds, storage: MemoryStorage) -> Accounts:
    return Accounts(MemoryDatabase().unit_of_work, meta, storage, ManualClock(NOW))


def test_what_meta_knows_is_not_typed_in_twice(accounts: Accounts) -> None:
    account = accounts.register(ACT)
    assert (account.name, account.currency, account.timezone, account.business_id) == (
        "Shop",
        "EUR",
        "Europe/Madrid",
        "77",
    )


def test_an_own_name_goes_over_metas(accounts: Accounts) -> None:
    assert accounts.register(ACT, "My shop").name == "My shop"


def test_an_account_cannot_be_registered_twice(accounts: Accounts) -> None:
    accounts.register(ACT)
    with pytest.raises(ConflictError):
        accounts.register(ACT)


def test_an_account_meta_does_not_show_is_refused(accounts: Accounts) -> None:
    with pytest.raises(InvalidRequestError):
        accounts.register(ActId("act_2"))


def test_a_silent_meta_means_that_nothing_can_be_verified(accounts: Accounts, meta: MemoryMetaAds) -> None:
    meta.faults.append(Fault(MetaTransientError("busy"), "account"))
    with pytest.raises(UnavailableError):
        accounts.register(ACT)


def test_an_account_in_a_currency_we_cannot_count_is_refused(accounts: Accounts, meta: MemoryMetaAds) -> None:
    meta.facts = facts("XXX")
    with pytest.raises(UnknownCurrencyError):
        accounts.register(ACT)


@pytest.mark.parametrize("timezone", ["TZ_MARS", "", "Europe", "../etc"])
def test_an_account_in_a_time_zone_nobody_here_knows_is_refused_with_the_way_out(
    accounts: Accounts, meta: MemoryMetaAds, timezone: str
) -> None:
    meta.facts = replace(facts(), timezone=timezone)
    with pytest.raises(InvalidRequestError) as refused:
        accounts.register(ACT)
    (problem,) = refused.value.problems
    assert (problem.field, problem.code) == ("timezone", "unknown_timezone")
    assert "tzdata" in english(problem.remedy)


def test_changed_defaults_leave_the_others(accounts: Accounts) -> None:
    account = accounts.register(ACT, defaults=AdDefaults(page_id="1", pixel_id="2"))
    changed = accounts.update_defaults(
        account.id, {"page_id": "3", "pixel_id": None, "link_url": "https://a.example"}, "ana"
    )
    assert changed.defaults == AdDefaults(page_id="3", link_url="https://a.example")


def test_changed_defaults_are_kept(accounts: Accounts) -> None:
    account = accounts.register(ACT)
    changed = accounts.update_defaults(account.id, {"page_id": "3"}, "ana")
    assert list(accounts.list_accounts()) == [changed]


def test_defaults_of_an_unknown_account_are_refused(accounts: Accounts) -> None:
    with pytest.raises(AccountNotFoundError):
        accounts.update_defaults(AccountId("nothing"), {}, "ana")


def test_a_creatives_bytes_lie_under_their_hash(accounts: Accounts, storage: MemoryStorage) -> None:
    account = accounts.register(ACT)
    creative = accounts.add_creative(account.id, "Summer", PNG, "ana")
    assert creative.sha256 in creative.storage_key
    assert storage.read(creative.storage_key) == PNG
    assert (creative.width, creative.height) == (described(PNG).width, described(PNG).height)


def test_putting_a_picture_in_again_brings_back_bytes_that_were_lost(
    accounts: Accounts, storage: MemoryStorage
) -> None:
    account = accounts.register(ACT)
    creative = accounts.add_creative(account.id, "Red", PNG, "ana")
    storage.write(creative.storage_key, b"damaged")
    assert accounts.add_creative(account.id, "Red", PNG, "ana") == creative
    assert storage.read(creative.storage_key) == PNG


def test_the_same_bytes_are_the_same_creative(accounts: Accounts) -> None:
    account = accounts.register(ACT)
    first = accounts.add_creative(account.id, "Summer", PNG, "ana")
    assert accounts.add_creative(account.id, "Again", PNG, "ana") == first
    assert list(accounts.list_creatives(account.id)) == [first]


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"<svg/>"])
def test_what_is_no_image_is_refused(accounts: Accounts, content: bytes) -> None:
    account = accounts.register(ACT)
    with pytest.raises(InvalidRequestError):
        accounts.add_creative(account.id, "Summer", content, "ana")


def test_a_creative_without_a_name_is_refused(accounts: Accounts) -> None:
    account = accounts.register(ACT)
    with pytest.raises(InvalidRequestError):
        accounts.add_creative(account.id, "  ", PNG, "ana")


def test_a_creative_for_an_unknown_account_is_refused(accounts: Accounts) -> None:
    with pytest.raises(AccountNotFoundError):
        accounts.add_creative(AccountId("nothing"), "Summer", PNG, "ana")
