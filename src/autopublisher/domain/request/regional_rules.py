"""Regional transparency rules: countries whose law wants advertisers named, Meta's category and identities for each.

The names are those of Meta's ``regional_regulated_categories`` and ``regional_regulation_identities``. An identity is the
number that Meta gave a verified person or business; ads that reach one of these countries name a beneficiary and a payer.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from autopublisher.domain.errors import Problem
from autopublisher.domain.messages import remedied
from autopublisher.domain.request.request import RunRequest
from autopublisher.domain.request.request_problems import RequestProblem


@dataclass(frozen=True)
class Regulation:
    """One country's rule: Meta's category, and how the names of the identities begin."""

    country: str
    category: str
    stem: str

    @property
    def identities(self) -> tuple[str, str]:
        """The names of the identities that the rule asks for."""
        return f"{self.stem}_beneficiary", f"{self.stem}_payer"


EVERY_AD = (
    Regulation("SG", "SINGAPORE_UNIVERSAL", "singapore_universal"),
    Regulation("TH", "THAILAND_UNIVERSAL", "universal"),
    Regulation("TW", "TAIWAN_UNIVERSAL", "taiwan_universal"),
)
"""Rules for every ad that reaches the country."""

FINANCIAL_ADS = (
    Regulation("AU", "AUSTRALIA_FINSERV", "australia_finserv"),
    Regulation("IN", "INDIA_FINSERV", "india_finserv"),
    Regulation("TW", "TAIWAN_FINSERV", "taiwan_finserv"),
)
"""Rules for ads of financial products that reach the country, beside those for every ad."""

FINANCIAL_CATEGORIES = frozenset({"CREDIT", "FINANCIAL_PRODUCTS_SERVICES"})

IDENTITIES = tuple(sorted(name for rule in (*EVERY_AD, *FINANCIAL_ADS) for name in rule.identities))
"""Every identity that an account or a request may name."""


def regulations_of(request: RunRequest) -> tuple[Regulation, ...]:
    """Return the rules that bind the request's ads, by category."""
    financial = FINANCIAL_CATEGORIES & set(request.special_ad_categories)
    rules = (*EVERY_AD, *(FINANCIAL_ADS if financial else ()))
    reached = [rule for rule in rules if rule.country in request.targeting_config.countries]
    return tuple(sorted(reached, key=lambda rule: rule.category))


def identities_of(request: RunRequest, known: Mapping[str, str]) -> dict[str, str]:
    """Return the identities that the request's ads have to carry, as far as they are ``known``."""
    wanted = [name for rule in regulations_of(request) for name in rule.identities]
    return {name: known[name] for name in wanted if name in known}


def check_identities(request: RunRequest, known: Mapping[str, str]) -> Iterator[Problem]:
    """Yield the identities that Meta will ask for and that nobody has named, and those that it does not have."""
    for name in sorted(set(known) - set(IDENTITIES)):
        yield Problem(
            f"ad.regional_identities.{name}",
            *remedied(RequestProblem.UNKNOWN_IDENTITY(name=name, known=tuple(IDENTITIES))),
        )
    for rule in regulations_of(request):
        for name in rule.identities:
            if name not in known:
                yield Problem(
                    f"ad.regional_identities.{name}",
                    *remedied(
                        RequestProblem.IDENTITY_MISSING(
                            country=rule.country, category=rule.category, name=name
                        )
                    ),
                    "missing",
                )
