"""An account's memory for its faces: each figure beside what would be assumed without it, and both in sentences."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from autopublisher.domain.accounts.memory_messages import MemoryMessage
from autopublisher.domain.evidence.criteria import MEASURES, Criterion
from autopublisher.domain.evidence.memory import SpreadRange, memory_of, range_of
from autopublisher.domain.evidence.spread import MOST_DOUBT_OF_SLOPE
from autopublisher.domain.messages import Message
from autopublisher.domain.past_tests import KNOWN_FROM, AccountMemory
from autopublisher.flows.requests.account_memory import Remembered

_TEN_PER_CENT = 1.1


@dataclass(frozen=True)
class Variation:
    """A standard deviation as a share: as the tests show it, from how many, what is used, and what is assumed without."""

    measured: float | None
    tests: int
    used: float
    assumed: float

    @property
    def is_own(self) -> bool:
        """Whether the account's own is used."""
        return self.tests >= KNOWN_FROM


@dataclass(frozen=True)
class MemoryView:
    """What an account remembers for a criterion. ``spread`` and the variations are shares; clicks are None where counted."""

    remembered: Remembered
    spread: SpreadRange
    assumed_spread: SpreadRange
    clicks_are_counted: bool
    basket_variation: Variation | None
    day_noise: Variation
    proof_day_noise: Variation

    @property
    def memory(self) -> AccountMemory:
        """What all figures come from."""
        return self.remembered.memory

    @property
    def sentences(self) -> Sequence[Message]:
        """What was learned and what it changes."""
        known = self.memory
        said = [_spread_said(self)]
        if known.tests:
            of_knowing = MemoryMessage.SPREAD_KNOWN if known.is_known else MemoryMessage.SPREAD_NOT_KNOWN
            said.append(of_knowing(least=KNOWN_FROM))
        said.append(_clicks_said(self))
        if self.basket_variation is not None:
            own, usual = MemoryMessage.BASKETS_OWN, MemoryMessage.BASKETS_ASSUMED
            said.append(_variation_said(self.basket_variation, own, usual))
        own, usual, proof = MemoryMessage.DAYS_OWN, MemoryMessage.DAYS_ASSUMED, self.proof_day_noise
        said.append(_variation_said(self.day_noise, own, usual, proof=_percent(proof.used)))
        return said


def view_of(found: Remembered) -> MemoryView:
    """Return what is shown of an account's memory."""
    known, criterion = found.memory, Criterion(found.memory.criterion)
    measure = MEASURES[criterion]
    return MemoryView(
        remembered=found,
        spread=range_of(known.spread),
        assumed_spread=range_of(memory_of(criterion, ()).spread),
        clicks_are_counted=not measure.delayed,
        basket_variation=_variation(
            known.value_dispersion, known.values_from, known.used_dispersion, measure.value_dispersion
        )
        if measure.value_dispersion
        else None,
        day_noise=_variation(
            known.day_variance,
            known.days_from,
            _squared(known.likely_day_spread(measure.day_spread, measure.day_spread_doubt)),
            measure.day_spread**2,
        ),
        proof_day_noise=_variation(
            known.day_variance, known.days_from, _squared(known.day_spread), measure.day_spread**2
        ),
    )


def _variation(measured: float | None, tests: int, used: float | None, assumed: float) -> Variation:
    """Return a variance as a standard deviation; a measured one may come out below nothing by chance."""
    return Variation(
        measured=None if measured is None else math.sqrt(max(measured, 0.0)),
        tests=tests,
        used=math.sqrt(assumed if used is None else used),
        assumed=math.sqrt(assumed),
    )


def _squared(deviation: float | None) -> float | None:
    return None if deviation is None else deviation**2


def _spread_said(view: MemoryView) -> Message:
    known, own, usual = view.memory, view.spread, view.assumed_spread
    if not known.tests:
        return MemoryMessage.EMPTY(
            criteria=known.criterion,
            typical=_percent(usual.typical),
            low=_percent(usual.low),
            high=_percent(usual.high),
        )
    return MemoryMessage.SPREAD(
        tests=known.tests,
        criteria=known.criterion,
        typical=_percent(own.typical),
        low=_percent(own.low),
        high=_percent(own.high),
        assumed=_percent(usual.typical),
    )


def _clicks_said(view: MemoryView) -> Message:
    known = view.memory
    if view.clicks_are_counted:
        return MemoryMessage.CLICKS_COUNTED()
    if not known.slope:
        return MemoryMessage.CLICKS_UNUSED(
            useless=_percent(known.useless), most=_percent(MOST_DOUBT_OF_SLOPE)
        )
    more = _TEN_PER_CENT**known.slope - 1
    return MemoryMessage.CLICKS_USED(more=_percent(more), useless=_percent(known.useless))


def _variation_said(found: Variation, own: MemoryMessage, usual: MemoryMessage, **besides: int) -> Message:
    if found.is_own:
        return own(used=_percent(found.used), tests=found.tests, assumed=_percent(found.assumed), **besides)
    return usual(assumed=_percent(found.assumed), least=KNOWN_FROM, tests=found.tests, **besides)


def _percent(share: float) -> int:
    return round(100 * share)
