"""What a run deletes at its end: only what never delivered, whoever switched it on."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from autopublisher.domain.ids import MetaId
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.runs.run import RunStatus
from support.staging import PlannedFault, cut_off
from support.sweep_staging import SweepStage

PARTS = ("campaign", "adset", "ad")


def built_and_off() -> SweepStage:
    """Return a stage whose arms exist and have never been on: its worker died before it switched anything on."""
    stage = SweepStage()

    def die(_number: int, method: str) -> None:
        if method != "create" and len(stage.meta.of_kind(ObjectKind.AD)) == len("ab"):
            stage.meta.crash_plan.kill()

    stage.meta.on_call = die
    while not stage.crashes:
        stage.step()
    stage.meta.on_call = lambda *_: None
    assert not any(row.key.startswith("activate/") for row in stage.rows())
    return stage


def switched(stage: SweepStage, letter: str, status: str) -> None:
    for part in PARTS:
        stage.touch(f"test/{letter}/{part}", status=status)


def ended(stage: SweepStage) -> dict[str, str]:
    """Cancel, and return what Meta shows of the arms' objects then."""
    stage.approvals.cancel(stage.run_id, "boss")
    assert stage.go().status is RunStatus.CANCELLED
    keys = [f"test/{letter}/{part}" for letter in "ab" for part in PARTS]
    return {key: str(stage.at(key)["status"]) for key in keys}


def kept(shown: dict[str, str]) -> set[str]:
    return {key.split("/")[1] for key, status in shown.items() if status == "PAUSED"}


def test_what_nobody_ever_switched_on_is_deleted() -> None:
    assert set(ended(built_and_off()).values()) == {"DELETED"}


def recalled(stage: SweepStage) -> None:
    """A person switches an arm on, and the reconciliation switches it off again."""
    switched(stage, "a", "ACTIVE")
    stage.at_look()
    assert any(row.key.startswith("recall/test/a/") for row in stage.rows())
    assert stage.on() == []


def stopped(stage: SweepStage) -> None:
    """A person switches an arm on, and the kill switch switches it off again."""
    switched(stage, "a", "ACTIVE")
    stage.stop()
    stage.enforced()
    stage.resume()
    assert any(row.key.startswith("stop/test/a/") for row in stage.rows())


def still_on(stage: SweepStage) -> None:
    switched(stage, "a", "ACTIVE")


def on_for_a_while(stage: SweepStage) -> None:
    """A person switches an arm on and off between two looks; only its figures tell."""
    stage.meta.once_on.add(MetaId(stage.row("test/a/adset").meta_id or ""))
    stage.clock.advance_to(stage.clock.now() + timedelta(hours=1))


@pytest.mark.parametrize("touched", [recalled, stopped, still_on, on_for_a_while])
def test_an_arm_that_somebody_else_switched_on_is_kept_and_the_other_deleted(
    touched: Callable[[SweepStage], None],
) -> None:
    stage = built_and_off()
    touched(stage)
    shown = ended(stage)
    assert kept(shown) == {"a"}
    assert stage.on() == []


def test_without_figures_nothing_is_known_to_be_unused() -> None:
    stage = built_and_off()
    stage.meta.troubles = [PlannedFault("ad_sets", cut_off(), times=99)]
    assert kept(ended(stage)) == {"a", "b"}


def test_a_duplicate_that_was_on_is_kept_and_so_is_what_may_hold_it() -> None:
    stage = built_and_off()
    original = MetaId(stage.row("test/a/adset").meta_id or "")
    known = set(stage.meta.objects)
    stage.meta.copy_of(original)
    (twin,) = set(stage.meta.objects) - known
    stage.meta.objects[twin].fields["status"] = "ACTIVE"
    shown = ended(stage)
    assert stage.meta.objects[twin].status == "PAUSED"
    assert kept(shown) == {"a"}


@pytest.mark.parametrize("touched", [recalled, on_for_a_while])
def test_of_copied_ads_in_a_used_arms_own_ad_set_those_with_figures_are_kept(
    touched: Callable[[SweepStage], None],
) -> None:
    stage = built_and_off()
    touched(stage)
    seen, unseen, elsewhere = (copied_ad(stage, letter) for letter in "aab")
    stage.meta.insights[seen] = {"impressions": "3", "spend": "0.02"}
    assert kept(ended(stage)) == {"a"}
    shown = [stage.meta.objects[copy].status for copy in (seen, unseen, elsewhere)]
    assert shown == ["PAUSED", "PAUSED", "DELETED"]  # what doubles one object is kept or deleted together


def test_a_copied_ad_whose_figures_cannot_be_had_is_kept() -> None:
    stage = built_and_off()
    recalled(stage)
    copy = copied_ad(stage, "a")
    stage.meta.troubles = [PlannedFault("insights_of", cut_off(), nth=n) for n in range(1, 9)]
    ended(stage)
    assert stage.meta.objects[copy].status == "PAUSED"


def test_a_copied_ad_without_figures_is_deleted_from_a_used_arms_ad_set() -> None:
    stage = built_and_off()
    recalled(stage)
    copy = copied_ad(stage, "a")
    ended(stage)
    assert stage.meta.objects[copy].status == "DELETED"


def copied_ad(stage: SweepStage, letter: str) -> MetaId:
    """Have a person copy an arm's ad into its ad set; the copy is off whenever anybody looks."""
    known = set(stage.meta.objects)
    stage.meta.copy_of(MetaId(stage.row(f"test/{letter}/ad").meta_id or ""))
    (copy,) = set(stage.meta.objects) - known
    stage.meta.objects[copy].fields["status"] = "PAUSED"
    return copy
