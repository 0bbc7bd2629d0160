"""Small worlds for the market's tests: a built-in scenario with further keys, and what came of its ads."""

from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from metasim import SimulatorConfig
from metasim.market.truth import TruthBook
from metasim.state import Ad
from metasim.testing import Advertiser


@dataclass(frozen=True)
class Outcome:
    """Clicks and true purchases of one ad, beside what was to be expected of its delivery."""

    impressions: float
    clicks: float
    sales: float
    value: float
    truth: dict[str, Any]


def altered(folder: Path, scenario: str, *, market: str = "", tables: str = "", seed: int = 7) -> Advertiser:
    """Open a advertiser on a built-in scenario with further lines in its market and further tables."""
    text = (resources.files("metasim") / "scenarios" / f"{scenario}.toml").read_text("utf-8")
    path = folder / "altered.toml"
    path.write_text(text.replace("[market]", f"[market]\n{market}") + tables, "utf-8")
    return Advertiser(SimulatorConfig(scenario=str(path), seed=seed))


def realised(advertiser: Advertiser, ad_id: str) -> dict[str, Any]:
    """Return what an ad's real delivery was worth."""
    sim = advertiser.simulator
    book = TruthBook(sim.state, sim.scenario, sim.market)
    row: dict[str, Any] = book.of(sim.state.need(Ad, ad_id), sim.clock.now_us())
    return row


def outcome(advertiser: Advertiser, ad_id: str) -> Outcome:
    """Return what came of an ad; with cells of people, unreported purchases too."""
    days = advertiser.simulator.state.days.get(ad_id, {}).values()
    steps = [figures for day in days for figures in day.steps.values()]
    if advertiser.simulator.market.population is None:
        sales = [sale for day in days for sale in day.sales.values()]
    else:
        cells = [columns for day in days for columns in day.cells.values()]
        sales = [[sum(columns[3]), sum(columns[4])] for columns in cells]
    return Outcome(
        sum(step[1] for step in steps),
        sum(step[2] for step in steps),
        sum(sale[0] for sale in sales),
        sum(sale[1] for sale in sales) / 100,
        realised(advertiser, ad_id)["realised"],
    )
