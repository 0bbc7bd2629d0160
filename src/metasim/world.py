"""What request handlers see of the simulator: the present moment, the state and the scenario's facts."""

from dataclasses import dataclass, replace

from metasim.exposure import ExposureBook
from metasim.market.delivery import Market
from metasim.market.effects import content_of
from metasim.scenario import Account, Scenario
from metasim.state import Ad, AdSet, Campaign, Node, State
from metasim.times import MINUTE, floor_step, meta_time


@dataclass(frozen=True)
class World:
    """The simulated world at one moment."""

    now_us: int
    state: State
    scenario: Scenario
    market: Market
    exposure: ExposureBook
    read_lag_us: int = 0  # while listing: younger nodes are not shown
    report_fate: str = ""  # how an insights run started now ends: failed, skipped, stuck, or well

    @property
    def figures_us(self) -> int:
        """The quarter hour up to which insights are known."""
        return floor_step(self.now_us)

    def account(self, account_id: str) -> Account:
        """Return an account's scenario; KeyError if it is not one of ours."""
        account = self.scenario.account(account_id)
        if account is None:
            raise KeyError(account_id)
        named = self.state.accounts[account_id].named
        return replace(account, **named) if named else account

    def account_of(self, node: Node) -> Account:
        """Return the account a node belongs to."""
        return self.account(node.account_id)

    def spell(self, us: int, account: Account) -> str:
        """Spell a moment as Meta reads it back."""
        return meta_time(us, account.zone)

    def settle(self, node: Node) -> None:
        """Let the market catch up with a node's campaign before the node is written."""
        if isinstance(node, Campaign):
            self.market.flush(node, self.now_us)
        elif isinstance(node, (AdSet, Ad)):
            self.market.flush(self.state.need(Campaign, node.campaign_id), self.now_us)

    def submit_for_review(self, ad: Ad, *, again: bool = False) -> None:
        """Start an ad's review when it is first switched on, or again when what it shows changed."""
        if ad.status != "ACTIVE" or (ad.reviewed_us is not None and not again):
            return
        ad.reviewed_us = self.now_us + int(self.scenario.review.delay_minutes * MINUTE)
        ad.refused = self.market.effects.refused(content_of(self.state, ad))
