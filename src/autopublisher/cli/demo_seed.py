"""What the demo needs before its first run: people, the simulated account with its defaults, two creatives, a request."""

import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from autopublisher.api.schemas import EXAMPLE_REQUEST
from autopublisher.bootstrap import Product
from autopublisher.bootstrap.secret_file import write_private
from autopublisher.domain.access import Role
from autopublisher.domain.accounts.accounts import Account, AdDefaults, Creative
from autopublisher.domain.errors import NotFoundError
from autopublisher.domain.ids import ActId
from autopublisher.flows.requests.people import People

ACTOR = "demo"
ACCOUNT = ActId("act_123456789")
PEOPLE: Mapping[str, Role] = {"admin": Role.ADMIN, "manager": Role.MANAGER, "operator": Role.OPERATOR}
CREDENTIALS_FILE = "credentials.txt"

DEFAULTS = AdDefaults(
    page_id="1001",
    instagram_user_id="17841400000000001",
    pixel_id="2001",
    conversion_event="PURCHASE",
    link_url="https://shop.example.com/offer",
    call_to_action="SHOP_NOW",
    dsa_beneficiary="Demo Advertiser SL",
    dsa_payor="Demo Advertiser SL",
)
"""What the scenarios' simulated page, Instagram account and pixel are called."""

_CREATIVES = {"Creative A": "creative_a.png", "Creative B": "creative_b.png"}


@dataclass(frozen=True)
class Seeded:
    """What the demo works with; ``passwords`` by name."""

    account: Account
    creatives: tuple[Creative, ...]
    passwords: Mapping[str, str]
    credentials_file: Path

    def request(self, scale: int = 1) -> dict[str, Any]:
        """Return the brief's request with this installation's ids, and ``scale`` times its money."""
        ids = [creative.id for creative in self.creatives]
        test, budget = EXAMPLE_REQUEST["ab_test_config"], EXAMPLE_REQUEST["budget_config"]
        each, total = test["test_budget_per_variant"], budget["total_budget"]
        return {
            **EXAMPLE_REQUEST,
            "meta_account_id": self.account.id,
            "creative_ids": ids,
            "ab_test_config": {**test, "test_budget_per_variant": scale * each},
            "budget_config": {**budget, "total_budget": scale * total},
        }


def seed(product: Product) -> Seeded:
    """Make what is missing and leave the rest as it is; raises the Meta errors where the account cannot be read."""
    credentials = product.settings.home / CREDENTIALS_FILE
    passwords = _people(product.services.people, credentials)
    accounts = product.services.accounts
    with product.outside.open_unit().reading() as unit:
        account = unit.accounts.by_act_id(ACCOUNT)
    if account is None:
        account = accounts.register(ACCOUNT, defaults=DEFAULTS, actor=ACTOR)
    creatives = tuple(
        accounts.add_creative(account.id, name, picture(file), ACTOR) for name, file in _CREATIVES.items()
    )
    return Seeded(account, creatives, passwords, credentials)


def picture(name: str) -> bytes:
    """Return one of the demo's pictures, which are files of the package."""
    return (files(__package__) / "demo_pictures" / name).read_bytes()


def _people(people: People, file: Path) -> dict[str, str]:
    """Return everybody's password, giving one to whoever has none that is written down."""
    known = _read(file)
    passwords = {name: known.get(name) or secrets.token_urlsafe(12) for name in PEOPLE}
    if passwords != known:
        # Written first: a password that is stored but not written down would lock everybody out.
        write_private(file, "".join(f"{name} {password}\n" for name, password in passwords.items()))
    for name, role in PEOPLE.items():
        try:
            people.user(name)
        except NotFoundError:
            people.add_user(name, passwords[name], role, ACTOR)
        else:
            if name not in known:
                people.set_password(name, passwords[name], ACTOR)
    return passwords


def _read(file: Path) -> dict[str, str]:
    with suppress(FileNotFoundError):
        lines = [line.split(maxsplit=1) for line in file.read_text("utf-8").splitlines()]
        return {pair[0]: pair[1].strip() for pair in lines if len(pair) == 2}  # noqa: PLR2004 - name and password
    return {}
