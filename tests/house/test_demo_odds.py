"""The demo's odds are those that were counted, and the market they were counted in is the demo's."""

import json
from pathlib import Path

from autopublisher.cli.demo import DemoScenario


def test_the_odds_that_are_told_are_those_that_were_counted(root: Path) -> None:
    counted = json.loads((root / "benchmarks" / "results" / "demo.json").read_text("utf-8"))
    assert DemoScenario.DEMO.odds == (counted["right"], counted["seeds"])
    assert DemoScenario.DEMO.market == "usual"
    assert counted["of_seed_7"] == "B"
