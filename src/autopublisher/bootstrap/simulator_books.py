"""Ground truth of a run from the simulator, for the demo's report: what Meta never tells."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import httpx2

from autopublisher.domain.errors import UnavailableError
from autopublisher.domain.faults import Fault
from autopublisher.domain.ids import RunId
from autopublisher.domain.journal.naming import run_mark

_SECONDS = 10.0


@dataclass(frozen=True)
class Truth:
    """What the simulator knows ``at`` a moment: each ad's expected ROAS by Meta id, its own books in minor units."""

    at: datetime
    roas: Mapping[str, float]
    spent: int
    could_still_spend: int | None
    peak: int | None


def read_truth(meta_url: str, token: str, run_id: RunId, now: datetime) -> Truth:
    """Ask the simulator what is true of a run now; raises UnavailableError where it does not answer."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with httpx2.Client(base_url=meta_url, timeout=_SECONDS, trust_env=False, headers=headers) as http:
            ads = http.get("/_sim/truth").raise_for_status().json()["ads"]
            mark = run_mark(run_id)
            books = http.get("/_sim/exposure", params={"contains": mark}).raise_for_status().json()
    except httpx2.HTTPError as error:
        raise UnavailableError(reason=Fault.SIMULATOR_TRUTH(why=type(error).__name__)) from error
    return Truth(
        at=now,
        roas={str(ad["ad_id"]): float(ad["expected_roas"]) for ad in ads},
        spent=books["spent"],
        could_still_spend=books["could_still_spend"],
        peak=books["peak_total"],
    )
