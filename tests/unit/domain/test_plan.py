"""The plan: the same list every time, all PAUSED, each thing after what it needs, and no more money than was agreed."""

from datetime import timedelta

from autopublisher.domain.operations import OperationSpec
from autopublisher.domain.plan import test_plan as plan_of_test
from autopublisher.domain.request import RunRequest
from autopublisher.domain.run import Run
from autopublisher.domain.variants import build_variants
from unit.domain.samples import DEFAULTS, NOW, asked, run_of

ENDS = NOW + timedelta(hours=24)


def test_specs(request: RunRequest | None = None, run: Run | None = None) -> tuple[OperationSpec, ...]:
    run = run or run_of(request or asked(ad=DEFAULTS))
    variants = build_variants(run.id, run.request)
    images = {one: f"creatives/{one}" for one in run.request.creative_ids}
    return plan_of_test(run, variants, images, NOW, ENDS)
