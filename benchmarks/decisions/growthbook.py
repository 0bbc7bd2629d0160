"""GrowthBook's sequential test on the ties and lifts of `proven`, in an environment of its own; never one of the project's.

The package is installed from the package index into a new virtual environment, which is thrown away afterwards.
"""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from benchmarks.decisions.proven import CASES, HOURS, Case, polled, record_of
from benchmarks.decisions.tables import Over, Record

SEQUENTIAL, _TWO = "gbstats sequential", 2

_JUDGE = """
import json, sys, warnings
from gbstats.frequentist.tests import SequentialConfig, SequentialTwoSidedTTest
from gbstats.models.statistics import SampleMeanStatistic
warnings.simplefilter("ignore")

def winner(looks):
    for a, b in looks:
        test = SequentialTwoSidedTTest(SampleMeanStatistic(*a), SampleMeanStatistic(*b), SequentialConfig())
        low, high = test.compute_result().ci
        if low > 0 or high < 0:
            return 1 if low > 0 else 0
    return None

print(json.dumps([winner(looks) for looks in json.load(sys.stdin)]))
"""


def gbstats(*, quick: bool, over: Over) -> list[Record]:
    """Return the share of tests in which it names a variant, and a wrong one, its settings being the package's own."""
    cases = [case for case in CASES if case.variants == _TWO]
    with TemporaryDirectory() as home:
        python = Path(home) / "bin" / "python"
        _run(sys.executable, "-m", "venv", home)
        _run(str(python), "-m", "pip", "install", "--quiet", "gbstats")
        found = []
        for case in cases[1:2] if quick else cases:
            tests = list(over(_looks, ((case, seed) for seed in range(case.tests // (10 if quick else 1)))))
            winners = json.loads(_run(str(python), "-c", _JUDGE, given=json.dumps(tests)))
            found.append(record_of(case, SEQUENTIAL, winners))
    return found


def _run(*command: str, given: str = "") -> str:
    done = subprocess.run(command, input=given, capture_output=True, check=True, text=True)  # noqa: S603 - our own words
    return done.stdout


def _looks(job: tuple[Case, int]) -> list[list[tuple[int, float, float]]]:
    """Return by full day both variants' hours, and the sum and sum of squares of what an hour has earned."""
    revenue = np.diff(polled(*job)[1].figures[:, :, 4], axis=0, prepend=0.0)
    days = range(24, HOURS + 1, 24)
    return [
        [
            (day, float(revenue[:day, arm].sum()), float((revenue[:day, arm] ** 2).sum()))
            for arm in range(_TWO)
        ]
        for day in days
    ]
