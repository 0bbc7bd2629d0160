"""What a terminal shows: nothing cut, whatever its width, one time format, and hints that can be typed."""

import io
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from rich.console import Console

from autopublisher.cli.output import Listing, Output, program, runnable, show_rows
from autopublisher.cli.run_text import RUN_COLUMNS

WIDTHS = (60, 80, 120, 200)
IDS = [str(UUID(int=number)) for number in (1, 2)]
ROWS = [
    {
        "run_id": one,
        "status": "waiting_approval",
        "final_campaign": None,
        "campaign": "Spring sale with a long name, the second of three",
        "total": "500.00 EUR",
        "spent": "100.00 EUR",
        "could_still_spend": "400.00 EUR",
        "figures_at": datetime(2026, 12, 1, 9, tzinfo=UTC),
        "created": datetime(2026, 12, 1, 9, tzinfo=UTC),
        "needs": None,
    }
    for one in IDS
]


def shown(width: int) -> str:
    """Return the list of runs as a terminal of this width shows it."""
    file = io.StringIO()
    Console(file=file, width=width, highlight=False).print(Listing(ROWS, RUN_COLUMNS))
    return file.getvalue()


@pytest.mark.parametrize("width", WIDTHS)
def test_ids_are_whole_at_every_width(width: int) -> None:
    assert all(one in shown(width) for one in IDS)


@pytest.mark.parametrize("width", WIDTHS)
def test_no_word_is_cut_and_no_line_is_too_long(width: int) -> None:
    text = shown(width)
    assert "\N{HORIZONTAL ELLIPSIS}" not in text
    assert {"Spring", "sale", "with", "a", "long", "name,", "the", "second", "of", "three"} <= set(
        text.split()
    )
    assert max(map(len, text.splitlines())) <= width


def test_rows_stand_below_each_other_where_a_table_does_not_fit() -> None:
    assert re.findall(r"^run id +(\S+) *$", shown(60), re.MULTILINE) == IDS
    assert shown(200).splitlines()[0].split() == " ".join(RUN_COLUMNS).replace("_", " ").split()


def test_moments_are_text_for_people_and_iso_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    show_rows(ROWS[:1], ("created",), Output.PLAIN)
    assert capsys.readouterr().out == "2026-12-01 09:00 UTC\n"
    show_rows(ROWS[:1], ("created",), Output.JSON)
    assert '"2026-12-01T09:00:00+00:00"' in capsys.readouterr().out


def test_a_hint_names_a_program_that_is_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    hint = runnable("Run 'autopublisher db upgrade'.")
    assert hint == f"Run '{program()} db upgrade'."
    assert Path(program()).name == "autopublisher"
    assert Path(program()).exists()


def test_a_program_on_path_is_called_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    assert runnable("'autopublisher doctor' says more") == "'autopublisher doctor' says more"


@pytest.mark.parametrize("width", [120, 200])
def test_an_amount_stays_with_its_currency_and_a_moment_with_its_zone(width: int) -> None:
    text = shown(width)
    assert text.count("500.00 EUR") == len(IDS)
    assert text.count("2026-12-01 09:00 UTC") == 2 * len(IDS)
