"""Countries with rules of their own: what their ads carry, and that nothing is asked for without it."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from autopublisher.domain.request.request import (
    RunRequest,
    request_digest,
    request_from_record,
    request_to_record,
)
from autopublisher.domain.request.rules import check_against_account, check_request
from autopublisher.domain.request.variants import build_variants
from autopublisher.domain.runs.plan import test_plan as plan_of_test
from support.wording import english
from unit.domain.samples import ACCOUNT, DEFAULTS, NOW, asked, run_of

TAIWAN = {"taiwan_universal_beneficiary": "11", "taiwan_universal_payer": "12"}
SINGAPORE = {"singapore_universal_beneficiary": "21", "singapore_universal_payer": "22"}
THAILAND = {"universal_beneficiary": "31", "universal_payer": "32"}
INDIA = {"india_finserv_beneficiary": "41", "india_finserv_payer": "42"}


def request_for(
    *countries: str, known: Mapping[str, str] | None = None, categories: tuple[str, ...] = ()
) -> RunRequest:
    ad = replace(DEFAULTS, regional_identities=known)
    return asked(ad=ad, targeting={"countries": countries}, special_ad_categories=categories)


def missing(request: RunRequest) -> set[str]:
    problems = check_against_account(request, ACCOUNT)
    assert {problem.code for problem in problems} <= {"missing"}
    return {problem.field.removeprefix("ad.regional_identities.") for problem in problems}


@pytest.mark.parametrize(("country", "needed"), [("TW", TAIWAN), ("SG", SINGAPORE), ("TH", THAILAND)])
def test_both_identities_of_a_country_with_its_own_rules_are_asked_for(
    country: str, needed: Mapping[str, str]
) -> None:
    assert missing(request_for("ES", country)) == set(needed)
    assert missing(request_for("ES", country, known=needed)) == set()


def test_the_accounts_identities_serve_every_request() -> None:
    account = replace(ACCOUNT, defaults=replace(DEFAULTS, regional_identities=TAIWAN))
    assert check_against_account(asked(targeting={"countries": ("TW",)}), account) == []


@pytest.mark.parametrize("category", ["CREDIT", "FINANCIAL_PRODUCTS_SERVICES"])
def test_financial_products_have_rules_where_other_ads_have_none(category: str) -> None:
    assert missing(request_for("IN")) == set()
    assert missing(request_for("IN", categories=(category,))) == set(INDIA)
    assert missing(request_for("IN", categories=(category,), known=INDIA)) == set()


def test_an_identity_that_meta_does_not_have_is_refused() -> None:
    problems = check_against_account(request_for("ES", known={"martian_payer": "1"}), ACCOUNT)
    assert [problem.field for problem in problems] == ["ad.regional_identities.martian_payer"]


def test_each_ad_set_carries_the_categories_and_identities_of_its_countries_and_no_others() -> None:
    run = run_of(request_for("TW", "SG", "ES", known={**TAIWAN, **SINGAPORE, **THAILAND}))
    variants = build_variants(run.id, run.request)
    images = dict.fromkeys(run.request.creative_ids, "key")
    sets = [one.params for one in plan_of_test(run, variants, images, NOW, NOW) if one.key.endswith("/adset")]
    for params in sets:
        assert params["regional_regulated_categories"] == ["SINGAPORE_UNIVERSAL", "TAIWAN_UNIVERSAL"]
        assert params["regional_regulation_identities"] == {**TAIWAN, **SINGAPORE}
    assert len(sets) == len(variants)


def test_a_request_with_identities_is_kept_whole() -> None:
    request = request_for("TW", known=TAIWAN)
    assert request_from_record(request_to_record(request)) == request


def test_a_request_without_identities_has_the_digest_it_had_before_there_were_any() -> None:
    assert request_digest(asked()) == "68b56d836ac4305f2bd584e553827d6ff51f794056fe3712ac957fd2c08850e3"


@pytest.mark.parametrize(
    ("country", "name"),
    [("KP", "North Korea"), ("RU", "Russia"), ("CU", "Cuba"), ("IR", "Iran"), ("SY", "Syria")],
)
def test_a_country_without_ads_is_refused_for_that_reason(country: str, name: str) -> None:
    (problem,) = check_request(asked(targeting={"countries": (country,)}))
    assert english(problem.reason) == f"Meta shows no ads in {name} ({country})."
