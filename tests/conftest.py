"""What all tests share: the databases, Hypothesis' profile and fixed seeds."""

import gc
import os
import random
import signal

import pytest
from hypothesis import settings

pytest_plugins = ["postgres_server"]

# The same examples every time and everywhere, so that a red build is red on every machine. "explore" is for
# somebody who goes looking for new counterexamples: HYPOTHESIS_PROFILE=explore; "quick" is for ./test --unit and --fast.
settings.register_profile("fixed", deadline=None, derandomize=True, print_blob=True)
settings.register_profile("quick", deadline=None, derandomize=True, max_examples=5)
settings.register_profile("explore", deadline=None, max_examples=1000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))


def pytest_configure() -> None:
    """Heed Ctrl-C again where the shell that started the tests in its background has it ignored: children inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


CLIENTS = "OTHER_CLIENTS" in os.environ


def pytest_report_header() -> str:
    """Say whether other people's clients are tried."""
    return "other people's clients: " + ("tried" if CLIENTS else "left out; ./test --clients tries them")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that install other people's clients unless they are asked for."""
    left_out = [] if CLIENTS else [item for item in items if item.get_closest_marker("clients")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_collection_finish() -> None:
    """Leave out of every later garbage collection what lives to the end: the modules and thousands of tests.

    Going through it again and again took a tenth of the suite's processor time.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def fixed_seed() -> None:
    """Give a test that forgets to bring its own generator the same numbers each time."""
    random.seed(20261122)
