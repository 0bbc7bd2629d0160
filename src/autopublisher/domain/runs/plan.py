"""Plan of a run: every write it will make at Meta, with what each can cost at worst.

The plan is a function of the run's stored request and variants alone, so every tick, and every worker that takes over,
works through the very same list.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any

from autopublisher.domain.amounts import Money
from autopublisher.domain.ids import CreativeId
from autopublisher.domain.journal.keys import OperationKey, Purpose
from autopublisher.domain.journal.naming import naming_token, tokenised
from autopublisher.domain.journal.operations import Action, ObjectKind, Operation, OperationSpec
from autopublisher.domain.request.category_rules import special_categories
from autopublisher.domain.request.objectives import ObjectiveChoice, choose_objective
from autopublisher.domain.request.placements import placement_targeting
from autopublisher.domain.request.regional_rules import identities_of, regulations_of
from autopublisher.domain.request.request import RunRequest
from autopublisher.domain.request.variants import Variant
from autopublisher.domain.request.web_address import registrable_domain
from autopublisher.domain.runs.longest_test import most_per_variant
from autopublisher.domain.runs.optimizer import FinalBudget
from autopublisher.domain.runs.run import Run

_UNTOUCHED = (
    "image_brightness_and_contrast",
    "image_enhancement",
    "image_templates",
    "image_touchups",
    "inline_comment",
    "text_optimizations",
)
"""Creative features opted out of, so that Meta shows the copy under test and not one of its own making."""

_GENDERS = {"male": 1, "female": 2}


def ref(key: str) -> dict[str, str]:
    """Return the placeholder for the Meta id that operation ``key`` yields."""
    return {"$id": key}


def test_key(variant: str, part: ObjectKind) -> str:
    """Return the journal key that creates one part of a test arm."""
    return OperationKey(Purpose.TEST, variant.lower(), part.value).text


def final_key(part: ObjectKind) -> str:
    """Return the journal key that creates one part of the final campaign."""
    return OperationKey(Purpose.FINAL, kind=part.value).text


def image_key(creative_id: CreativeId) -> str:
    """Return the journal key that uploads one creative's image; arms that share it share the upload."""
    return OperationKey(Purpose.IMAGE, creative_id).text


def objective_of(request: RunRequest) -> ObjectiveChoice:
    """Return the objective of a checked request."""
    choice = choose_objective(request.objective, request.ad.conversion_event)
    if choice is None:
        raise ValueError(f"objective {request.objective} passed the checks but cannot be mapped")
    return choice


def money_of(run: Run, amount: Decimal) -> Money:
    """Return an amount of the run's request as money of its account."""
    return Money.from_major(amount, run.currency)


def total_of(run: Run) -> Money:
    """Return the run's total budget: the ceiling of everything it may ever spend."""
    return money_of(run, run.request.budget_config.total_budget)


def test_plan(
    run: Run, variants: Sequence[Variant], images: Mapping[CreativeId, str], starts: datetime, ends: datetime
) -> tuple[OperationSpec, ...]:
    """Return the writes that build every arm of the test, all PAUSED, in order.

    ``images`` maps a creative to its storage key; ``starts`` and ``ends`` bound delivery. Each arm's ad set holds its
    whole planned test budget as a lifetime budget, so Meta itself stops there, and reserves what its longest test may spend.
    """
    uploads = {
        image_key(variant.creative_id): _upload(variant.creative_id, images[variant.creative_id])
        for variant in variants
    }
    ab = run.request.ab_test_config
    budget, most = money_of(run, ab.test_budget_per_variant), most_per_variant(run)
    arms: list[OperationSpec] = []
    for variant in variants:
        arms += _arm(run, variant, (budget, most), starts, ends)
    return (*uploads.values(), *arms)


def publishes(row: Operation, letter: str) -> bool:
    """Tell whether the ad that a write has made in the final campaign shows this variant's creative."""
    return row.spec.params.get("creative") == {"creative_id": ref(test_key(letter, ObjectKind.CREATIVE))}


def final_plan(
    run: Run, winner: Variant, budget: FinalBudget, made: Sequence[Operation] = ()
) -> tuple[OperationSpec, ...]:
    """Return the writes that build the final campaign around the winner's creative, all PAUSED, in order.

    Where an ad of another variant is ``made`` already, the winner's is a further one in the same ad set.
    """
    title = f"{run.request.campaign_name} - Final ({winner.letter})"
    campaign, ad_set, ad = (
        final_key(kind) for kind in (ObjectKind.CAMPAIGN, ObjectKind.AD_SET, ObjectKind.AD)
    )
    if any(row.key == ad and not publishes(row, winner.letter) for row in made):
        ad = OperationKey(Purpose.FINAL, winner.letter.lower(), ObjectKind.AD.value).text
    money: dict[str, Any] = {"start_time": _moment(budget.starts_at), "end_time": _moment(budget.ends_at)}
    if budget.daily is None:
        money["lifetime_budget"] = budget.total.minor
    else:
        money["daily_budget"] = budget.daily.minor
    cap = {} if budget.spend_cap is None else {"spend_cap": budget.spend_cap.minor}
    creative = test_key(winner.letter, ObjectKind.CREATIVE)
    return (
        _create(run, campaign, ObjectKind.CAMPAIGN, title, _campaign(run) | cap),
        _create(
            run,
            ad_set,
            ObjectKind.AD_SET,
            title,
            _ad_set(run, winner, campaign) | money,
            reserves=budget.total.minor,
        ),
        _create(run, ad, ObjectKind.AD, title, _ad(run, ad_set, creative)),
    )


def plan_digest(specs: Sequence[OperationSpec]) -> str:
    """Return the SHA-256 of a plan in canonical JSON: the same plan, the same digest."""
    text = json.dumps([asdict(spec) for spec in specs], sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _upload(creative_id: CreativeId, storage_key: str) -> OperationSpec:
    return OperationSpec(
        image_key(creative_id),
        Action.UPLOAD,
        ObjectKind.IMAGE,
        {"name": f"{creative_id}", "storage_key": storage_key},
    )


def _arm(
    run: Run, variant: Variant, budget_and_most: tuple[Money, Money], starts: datetime, ends: datetime
) -> tuple[OperationSpec, ...]:
    letter, (budget, most) = variant.letter, budget_and_most
    campaign, ad_set, creative, ad = (
        test_key(letter, kind)
        for kind in (ObjectKind.CAMPAIGN, ObjectKind.AD_SET, ObjectKind.CREATIVE, ObjectKind.AD)
    )
    money = {
        "lifetime_budget": budget.minor,
        "start_time": _moment(starts),
        "end_time": _moment(ends),
    }
    return (
        _create(run, campaign, ObjectKind.CAMPAIGN, variant.name, _campaign(run), variant=letter),
        _create(
            run,
            ad_set,
            ObjectKind.AD_SET,
            variant.name,
            _ad_set(run, variant, campaign) | money,
            variant=letter,
            reserves=most.minor,
        ),
        _create(run, creative, ObjectKind.CREATIVE, variant.name, _creative(run, variant), variant=letter),
        _create(run, ad, ObjectKind.AD, variant.name, _ad(run, ad_set, creative), variant=letter),
    )


def _create(
    run: Run,
    key: str,
    kind: ObjectKind,
    title: str,
    params: Mapping[str, Any],
    *,
    variant: str | None = None,
    reserves: int = 0,
) -> OperationSpec:
    token = naming_token(run.id, key.replace("/", "."))
    named = {"name": tokenised(title, token), **params}
    return OperationSpec(key, Action.CREATE, kind, named, token=token, variant=variant, reserves=reserves)


def _campaign(run: Run) -> dict[str, Any]:
    params: dict[str, Any] = {
        "objective": objective_of(run.request).outcome,
        "status": "PAUSED",
        "buying_type": "AUCTION",
        "special_ad_categories": list(run.request.special_ad_categories),
        "is_adset_budget_sharing_enabled": False,
    }
    if special_categories(run.request):
        params["special_ad_category_country"] = sorted(run.request.targeting_config.countries)
    return params


def _ad_set(run: Run, variant: Variant, campaign: str) -> dict[str, Any]:
    goal, ad = objective_of(run.request).goal, run.request.ad
    params: dict[str, Any] = {
        "campaign_id": ref(campaign),
        "status": "PAUSED",
        "billing_event": goal.billing_event,
        "optimization_goal": goal.optimization_goal,
        "bid_strategy": "LOWEST_COST_WITHOUT_CAP",
        "targeting": targeting(run.request, variant),
    }
    if goal.needs_pixel:
        params["promoted_object"] = {"pixel_id": ad.pixel_id, "custom_event_type": ad.conversion_event}
    elif goal.needs_page:
        params["promoted_object"] = {"page_id": ad.page_id}
    if ad.dsa_beneficiary:
        params["dsa_beneficiary"] = ad.dsa_beneficiary
    if ad.dsa_payor:
        params["dsa_payor"] = ad.dsa_payor
    rules = regulations_of(run.request)
    if rules:
        params["regional_regulated_categories"] = [rule.category for rule in rules]
        identities = identities_of(run.request, ad.regional_identities or {})
        params["regional_regulation_identities"] = identities
    return params


def targeting(request: RunRequest, variant: Variant) -> dict[str, Any]:
    """Return Meta's targeting for a variant; Meta's own audience expansion is off so that all arms ask for the same."""
    target = request.targeting_config
    fields: dict[str, Any] = {
        "geo_locations": {"countries": list(target.countries)},
        "age_min": target.age_min,
        "age_max": target.age_max,
        "targeting_automation": {"advantage_audience": 0},
        **placement_targeting(variant.placements),
    }
    if target.genders:
        fields["genders"] = sorted(_GENDERS[gender] for gender in target.genders)
    return fields


def _creative(run: Run, variant: Variant) -> dict[str, Any]:
    ad = run.request.ad
    link: dict[str, Any] = {
        "link": ad.link_url,
        "message": variant.primary_text,
        "name": variant.headline,
        "image_hash": ref(image_key(variant.creative_id)),
    }
    call = variant.call_to_action or ad.call_to_action
    if call is not None:
        link["call_to_action"] = {"type": call, "value": {"link": ad.link_url}}
    story: dict[str, Any] = {"page_id": ad.page_id, "link_data": link}
    if ad.instagram_user_id:
        story["instagram_user_id"] = ad.instagram_user_id
    return {
        "object_story_spec": story,
        "degrees_of_freedom_spec": {
            "creative_features_spec": {feature: {"enroll_status": "OPT_OUT"} for feature in _UNTOUCHED}
        },
        "contextual_multi_ads": {"enroll_status": "OPT_OUT"},
    }


def _ad(run: Run, ad_set: str, creative: str) -> dict[str, Any]:
    params: dict[str, Any] = {
        "adset_id": ref(ad_set),
        "creative": {"creative_id": ref(creative)},
        "status": "PAUSED",
    }
    ad = run.request.ad
    if objective_of(run.request).goal.needs_pixel:
        params["tracking_specs"] = [{"action.type": ["offsite_conversion"], "fb_pixel": [ad.pixel_id]}]
        params["conversion_domain"] = registrable_domain(ad.link_url or "")
    return params


def _moment(moment: datetime) -> str:
    return moment.replace(microsecond=0).isoformat()
