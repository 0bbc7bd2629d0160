"""Method A: bounds that hold for a test without a planned end.

The normal mixture of Robbins (1970). Under no difference exp(l S - l^2 V / 2) is a martingale for every l; mixing over
l ~ N(0, r^2 / V_1) keeps it one, and Ville's inequality gives, for all times together with error a on two sides,
|z| <= sqrt((1 + 1/x) log((1 + x) / a^2)), x = r^2 t, t the clock: Howard, Ramdas, McAuliffe & Sekhon (2021, Annals of
Statistics 49, equation 14). With an estimated variance this is the asymptotic confidence sequence of Waudby-Smith,
Arbour, Sinha, Kennedy & Ramdas (2024, Annals of Statistics 52, theorem 2.2). It asks for more than a planned test does
(3.04 against 2.22 where it is sharpest), which is the price of never having to stop.
"""

import math
from dataclasses import dataclass

from autopublisher.domain.evidence.boundaries import AnalysisTime

_EARLIEST = 1e-4


@dataclass(frozen=True)
class MixtureBoundary:
    """The bound of each analysis, whatever analyses there were and will be.

    `alpha` is one-sided, as a planned boundary's is. The clock may run past 1, where the bound is sharpest.

    Attributes:
        alpha: the error of one direction over all time.
        share: the clock at the latest analysis.
    """

    alpha: float
    share: float = 0.0

    def after(self, analysis: AnalysisTime) -> "MixtureBoundary":
        """Return the bound at another analysis."""
        return MixtureBoundary(self.alpha, analysis.share)

    @property
    def critical(self) -> float:
        """The z value that the latest analysis must exceed."""
        spread = sharpest_at_one(2 * self.alpha) * max(self.share, _EARLIEST)
        return math.sqrt((1 + 1 / spread) * (math.log1p(spread) - 2 * math.log(2 * self.alpha)))


def sharpest_at_one(error: float) -> float:
    """Return r^2 for which the bound with this two-sided error is lowest at clock 1.

    The minimum solves x = log(1 + x) - 2 log(error); one step of that from -2 log(error), as in Waudby-Smith et al.
    (2024, appendix), comes within a tenth of a percent of the lowest bound.
    """
    start = -2 * math.log(error)
    return start + math.log1p(start)
