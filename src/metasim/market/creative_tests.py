"""Creative tests: one budget for all their ads, a part of what the ads' own budgets may spend.

Meta does not say where the money of a creative test comes from; assumed here is that the test sets aside, out of
the budgets of its ads, what its cells may spend, each its share. So no budget or cap is ever exceeded by a test.
"""

from metasim.market.budget import Pacing, Span, room_of
from metasim.scenario import Account
from metasim.state import Ad, State, Study, StudyCell
from metasim.status import holds_budget
from metasim.times import day_name

WHOLE = 100  # shares are per cent


class CreativeTests:
    """Knows which ads are in a running creative test, and what they may spend of its budget."""

    def __init__(self, state: State, pacing: Pacing) -> None:
        self._state = state
        self._pacing = pacing
        self._wanted: dict[str, tuple[Span, int]] = {}

    def of(self, ad: Ad, at_us: int) -> tuple[Study, StudyCell] | None:
        """Return the creative test that an ad takes part in at a moment, and its cell."""
        for cell in self._state.children(StudyCell, ad.id):
            study = self._state.need(Study, cell.study_id)
            until_us = study.end_us if study.cancelled_us is None else study.cancelled_us
            if holds_budget(study) and study.start_us <= at_us < until_us:
                return study, cell
        return None

    def wanted(self, study: Study, cell: StudyCell, account: Account, span: Span) -> int:
        """Return the micros a cell would spend in a span, never more than the test still holds."""
        known = self._wanted.get(study.id)
        if (
            known is None or known[0] != span
        ):  # once for all cells, or the first would leave less to the others
            micros = self._pacing.wanted(study, account, span, study.end_us)
            known = self._wanted[study.id] = (span, micros)
        return min(known[1] * cell.share // WHOLE, room_of(study, account, span.start_us))

    def pay(self, study: Study, account: Account, start_us: int, micros: int) -> None:
        """Book what a cell spent."""
        study.pay(day_name(start_us, account.zone), micros)
        self._state.touch(study)
