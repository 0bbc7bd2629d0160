"""Our sequential bounds beside those of spotify-confidence, an independent implementation.

Not part of the test suite: the package brings pandas, plotting and notebooks along, so no lock has it. Run it where
it is installed, numpy and scipy being all that ours needs:

PYTHONPATH=src python benchmarks/peers/boundaries.py
"""

import sys
import warnings

import numpy as np

from autopublisher.domain.evidence.boundaries import bound_after

AGREEMENT = 1e-3
PLANS = {
    "20 even looks": tuple(analysis / 20 for analysis in range(1, 21)),
    "5 even looks": (0.2, 0.4, 0.6, 0.8, 1.0),
    "3 uneven looks": (0.3, 0.6, 1.0),
    "late first look": (0.19, 0.2, 0.25, 0.5, 0.9, 1.0),
}
EXPONENTS = (1.5, 2.0, 3.0)


def ours(times: tuple[float, ...], alpha: float, exponent: float) -> np.ndarray:
    spent = [alpha * time**exponent for time in times]
    return np.array([bound_after(times[:count], spent[:count]) for count in range(1, len(times) + 1)])


def main() -> int:
    try:
        from spotify_confidence.analysis.frequentist.sequential_bound_solver import bounds  # noqa: PLC0415 - optional
    except ImportError:
        print("spotify-confidence is not installed here: nothing compared.")
        return 0
    worst = 0.0
    print("| looks | exponent | one-sided error | largest difference of a bound |")
    print("| --- | --- | --- | --- |")
    for name, times in PLANS.items():
        for exponent in EXPONENTS:
            for alpha in (0.025, 0.05 / 3):
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # a peer's deprecations are not ours to mend
                    theirs = bounds(np.array(times), alpha, exponent, 8.0, 1, max_nints=2000).bounds
                difference = float(np.abs(ours(times, alpha, exponent) - theirs).max())
                worst = max(worst, difference)
                print(f"| {name} | {exponent:g} | {alpha:.4f} | {difference:.1e} |")
    print(f"\nLargest difference {worst:.1e}, allowed {AGREEMENT:.0e}.")
    return 0 if worst <= AGREEMENT else 1


if __name__ == "__main__":
    sys.exit(main())
