"""The suite is as strict as CONTRIBUTING.md says, whatever else is written into the project's file."""

import pytest


def test_warnings_are_errors_and_every_test_has_its_time(pytestconfig: pytest.Config) -> None:
    assert pytestconfig.getini("filterwarnings") == ["error"]
    assert float(pytestconfig.getini("timeout")) == 300.0


def test_unknown_marks_and_settings_are_refused(pytestconfig: pytest.Config) -> None:
    assert pytestconfig.getoption("strict_markers")
    assert pytestconfig.getoption("strict_config")
