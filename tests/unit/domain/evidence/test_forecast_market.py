"""A sample of the planner's benchmark: what a forecast promises comes, in tests played through market and engine."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.slow

PLACE = Path(__file__).parents[4] / "benchmarks" / "decisions" / "planner.py"
TESTS = 120


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    spec = spec_from_file_location("planner_benchmark", PLACE)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("by_money", [False, True])
def test_what_is_promised_comes(benchmark: ModuleType, *, by_money: bool) -> None:
    case = benchmark.Case(2, 250, 1.0 if by_money else 0.2, 120 if by_money else 24, by_money)
    found = benchmark.compared(case, TESTS)
    assert abs(found.came - found.promised) < 4 * found.error
    assert found.error < 0.5 * found.promised
    assert abs(found.came_best - found.promised_best) < 0.15
    assert found.came_share == pytest.approx(found.promised_share, abs=0.05)
