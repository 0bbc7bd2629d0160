"""A simulator in a thread for the SDK, and one inside the process for everything else."""

from collections.abc import Iterator

import pytest
from facebook_business.adobjects.adaccount import AdAccount
from facebook_business.api import FacebookAdsApi
from facebook_business.session import FacebookSession

from metasim import SimulatorConfig
from metasim.server import SimulatorThread
from metasim.testing import ACCOUNT, Advertiser


@pytest.fixture
def advertiser() -> Advertiser:
    return Advertiser()


@pytest.fixture
def served() -> Iterator[SimulatorThread]:
    with SimulatorThread(SimulatorConfig()) as simulator:
        yield simulator


@pytest.fixture
def api(served: SimulatorThread) -> FacebookAdsApi:
    local_session = type("LocalSession", (FacebookSession,), {"GRAPH": served.url})
    return FacebookAdsApi(local_session("700000000000001", "app-secret", "stub-token", timeout=20))


@pytest.fixture
def account(api: FacebookAdsApi) -> AdAccount:
    return AdAccount(ACCOUNT, api=api)
