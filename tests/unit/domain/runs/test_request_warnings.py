"""What the author of a sound request is told all the same."""

from dataclasses import replace
from decimal import Decimal

import pytest

from autopublisher.domain.amounts import Money
from autopublisher.domain.runs.request_warnings import request_warnings
from support.wording import english
from unit.domain.samples import ACCOUNT, DEFAULTS, FACTS, MINIMUMS, asked


def said(**changes: object) -> str:
    facts = changes.pop("facts", FACTS)
    return " ".join(english(one) for one in request_warnings(asked(**changes), ACCOUNT, facts, MINIMUMS))  # type: ignore[arg-type]


@pytest.mark.parametrize(("total", "left"), [("100.01", "0.01 EUR"), ("139.99", "39.99 EUR")])
def test_too_little_left_for_a_final_campaign_is_said(total: str, left: str) -> None:
    warned = said(budget={"total_budget": Decimal(total)})
    assert f"{left} is left for the winner, below Meta's minimum of 40.00 EUR a day" in warned


def test_enough_left_for_a_final_campaign_is_not_worth_a_word() -> None:
    assert "is left for the winner" not in said(budget={"total_budget": Decimal(140)})


def test_an_account_limit_below_the_total_is_said() -> None:
    facts = replace(FACTS, spend_cap=Money(30_000, "EUR"), amount_spent=Money(10_000, "EUR"))
    assert "leaves 200.00 EUR of the 500.00 EUR this run may spend" in said(facts=facts)


def test_a_category_that_needs_metas_leave_is_said() -> None:
    assert "category ISSUES_ELECTIONS_POLITICS only for advertisers that it has authorised" in said(
        special_ad_categories=("ISSUES_ELECTIONS_POLITICS",)
    )


def test_a_short_test_is_said() -> None:
    assert "shorter than three days" in said()
    assert "shorter than three days" not in said(test={"test_duration_hours": 72})


@pytest.mark.parametrize(
    ("field", "texts", "most"),
    [("headlines", ("x" * 26, "B"), 25), ("primary_texts", ("A", "x" * 91), 90)],
)
def test_texts_longer_than_meta_shows_are_said(field: str, texts: tuple[str, ...], most: int) -> None:
    warned = said(**{field: texts})
    assert f"{field}: Meta recommends at most {most} characters" in warned
    assert f"the longest has {most + 1}" in warned


@pytest.mark.parametrize("placements", [(), ("instagram_story",), ("facebook_feed", "instagram_reels")])
def test_ads_on_instagram_without_an_account_there_are_said(placements: tuple[str, ...]) -> None:
    account = replace(ACCOUNT, defaults=replace(DEFAULTS, instagram_user_id=None))
    request = asked(targeting={"placements": placements})
    warned = request_warnings(request, account, FACTS, MINIMUMS)
    assert any("No Instagram account is named" in english(one) for one in warned)


def test_ads_on_facebook_alone_need_no_account_on_instagram() -> None:
    account = replace(ACCOUNT, defaults=replace(DEFAULTS, instagram_user_id=None))
    request = asked(targeting={"placements": ("facebook_feed",)})
    assert "Instagram" not in " ".join(map(english, request_warnings(request, account, FACTS, MINIMUMS)))


def test_ads_for_brazil_are_told_of_its_verification() -> None:
    assert "Brazil" in said(targeting={"countries": ("BR",)})
