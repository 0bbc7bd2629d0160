"""What the HTTP face is given: the use cases, and the few facts about this installation it repeats."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from autopublisher.api.waiting import Patience
from autopublisher.flows.requests.account_memory import AccountMemories
from autopublisher.flows.requests.accounts import Accounts
from autopublisher.flows.requests.approvals import Approvals
from autopublisher.flows.requests.exposure import Exposures
from autopublisher.flows.requests.intake import Intake
from autopublisher.flows.requests.monitor import Monitor
from autopublisher.flows.requests.people import People
from autopublisher.flows.requests.planner import Planner
from autopublisher.flows.requests.reports import Reports
from autopublisher.flows.requests.stops import Stops
from autopublisher.ports.clock import Clock


@dataclass(frozen=True)
class Services:
    """Everything the routes use; ``clock`` is the product's (simulated in stub mode)."""

    intake: Intake
    planner: Planner
    approvals: Approvals
    reports: Reports
    people: People
    accounts: Accounts
    monitor: Monitor
    exposures: Exposures
    memories: AccountMemories
    stops: Stops
    clock: Clock
    enabled: bool
    mode: str
    version: str
    patience: Patience = field(default_factory=Patience)


Hook = Callable[[], None]
"""Something to do when the application starts or stops."""


async def services_of(request: Request) -> Services:
    """Return the services of the application that serves this request."""
    services: Services = request.app.state.services
    return services


Given = Annotated[Services, Depends(services_of)]
"""The services, as a route asks for them."""
