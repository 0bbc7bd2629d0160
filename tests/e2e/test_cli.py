"""The commands, from outside: what they print where, and how they end."""

import json
from pathlib import Path

import pytest

from autopublisher.bootstrap.database import opened_units
from autopublisher.domain.past_tests import FinishedTest, MeasuredTest
from support.command import ROOT, CommandLine, Prompt, simulators_in
from support.pictures import drawn
from unit.domain.samples import ACCOUNT, ACT, NOW, RUN_ID, run_of

pytestmark = pytest.mark.slow

EXAMPLE = str(ROOT / "examples" / "request_example.json")
REMOVE = "Remove it, or correct its spelling; GET /openapi.json lists the fields."
UNKNOWN = "00000000-0000-4000-8000-000000000009"


@pytest.fixture
def autopublisher(tmp_path: Path) -> CommandLine:
    """The command line as processes, in an empty folder."""
    return CommandLine(tmp_path)


def test_the_module_is_the_program_and_its_help_lists_the_commands(autopublisher: CommandLine) -> None:
    done = autopublisher.run("--help")
    assert done.returncode == 0
    assert all(name in done.stdout for name in ("demo", "serve", "doctor", "approve", "account", "db"))


def test_a_wrong_setting_is_a_sentence_and_not_a_traceback(prompt: Prompt) -> None:
    done = prompt.run("runs", META_API_MODE="sandbox")
    assert done.exit_code == 2
    assert done.stdout == ""
    assert "META_API_MODE" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_lost_database_ends_the_start_with_what_to_do(prompt: Prompt) -> None:
    home = prompt.folder / ".autopublisher"
    home.mkdir()
    (home / "installation.json").write_text('{"installation": "i"}')
    for command in (("runs",), ("account", "list"), ("user", "token", "ana"), ("db", "upgrade"), ("worker",)):
        done = prompt.run(*command)
        assert (done.exit_code, done.stdout) == (2, "")
        assert f"runs were admitted from {home}" in done.stderr
        assert (
            "restore FILE" in done.stderr
        )  # behind the command as it is called here, quoted where its path has a space
    assert prompt.run("db", "upgrade", "--new-database").exit_code == 0
    assert prompt.run("runs").exit_code == 0


def test_live_mode_without_a_token_names_the_variable(prompt: Prompt) -> None:
    done = prompt.run("serve", META_API_MODE="live", SECRET_KEY="k" * 32)
    assert done.exit_code == 2
    assert "META_ACCESS_TOKEN" in done.stderr


def test_an_unknown_run_is_not_found(prompt: Prompt) -> None:
    done = prompt.run("status", UNKNOWN)
    assert done.exit_code == 3
    assert UNKNOWN in done.stderr


def test_an_unreachable_database_is_unavailable_and_keeps_its_password(prompt: Prompt) -> None:
    done = prompt.run("runs", DATABASE_URL="postgresql://user:pass-word@127.0.0.1:1/none")
    assert done.exit_code == 5
    assert "pass-word" not in done.stderr


def test_a_database_address_that_is_none_is_a_wrong_setting(prompt: Prompt) -> None:
    done = prompt.run("runs", DATABASE_URL="mysql://user:pass-word@host/name")
    assert done.exit_code == 2
    assert "DATABASE_URL" in done.stderr
    assert "pass-word" not in done.stderr


def test_every_problem_of_a_request_file_has_a_line_with_field_reason_and_remedy(
    prompt: Prompt, tmp_path: Path
) -> None:
    request = json.loads(Path(EXAMPLE).read_text("utf-8"))
    del request["campaign_name"]
    request["ab_test_config"]["colour"] = "red"
    request["headlines"] = ["One", 2]
    file = tmp_path / "request.json"
    file.write_text(json.dumps(request), "utf-8")
    done = prompt.run("run", "-f", str(file))
    assert done.exit_code == 4
    assert set(done.stderr.splitlines()) == {
        "campaign_name: This field is required. Add this field.",
        f"ab_test_config.colour: There is no such field. {REMOVE}",
        "headlines[1]: Input should be a valid string Give a text in double quotes.",
    }


def test_a_request_for_no_account_is_not_found_in_the_briefs_words(prompt: Prompt) -> None:
    done = prompt.run("run", "-f", EXAMPLE)
    assert done.exit_code == 3
    assert "Meta account not found" in done.stderr
    assert simulators_in(prompt.folder) == []


def test_a_disabled_installation_says_so_in_the_briefs_words(prompt: Prompt) -> None:
    done = prompt.run("run", "-f", EXAMPLE, AUTO_PUBLISHER_ENABLED="false")
    assert done.exit_code == 4
    assert "AutoPublisher is disabled" in done.stderr


def test_no_runs_are_an_empty_list(prompt: Prompt) -> None:
    done = prompt.run("runs", "--output", "json")
    assert (done.exit_code, json.loads(done.stdout)) == (0, [])


def test_the_document_is_printed_whole(prompt: Prompt) -> None:
    done = prompt.run("openapi")
    assert "/meta/autopilot/run" in json.loads(done.stdout)["paths"]


def test_the_database_is_behind_until_it_is_upgraded(prompt: Prompt, database_url: str) -> None:
    assert prompt.run("db", "current", DATABASE_URL=database_url).exit_code == 1
    assert prompt.run("db", "upgrade", DATABASE_URL=database_url).exit_code == 0
    assert prompt.run("db", "current", DATABASE_URL=database_url).exit_code == 0


def test_an_account_and_a_picture_can_be_registered(prompt: Prompt, tmp_path: Path) -> None:
    picture = tmp_path / "picture.png"
    picture.write_bytes(drawn(50, 50, "PNG"))
    added = prompt.run("account", "add", "act_123456789", "--page-id", "1001", "-o", "json")
    account = json.loads(added.stdout)
    assert (account["act_id"], account["currency"]) == ("act_123456789", "EUR")
    kept = prompt.run("creative", "add", str(picture), "-o", "json")
    creative = json.loads(kept.stdout)
    assert "may blur or refuse it" in kept.stderr
    listed = json.loads(prompt.run("creative", "list", "-o", "json").stdout)
    assert [one["id"] for one in listed] == [creative["id"]]


def test_a_token_is_printed_alone(prompt: Prompt) -> None:
    assert prompt.run("user", "add", "maria", "--role", "manager").exit_code == 0
    done = prompt.run("user", "token", "maria")
    assert done.stdout.startswith("ap_")
    assert len(done.stdout.split()) == 1


def test_what_an_account_lacks_is_said_and_can_be_set(prompt: Prompt) -> None:
    added = prompt.run("account", "add", "act_123456789", "--page-id", "1001")
    assert "A run for sales still needs link_url, pixel_id, conversion_event" in added.stderr
    assert "autopublisher account set act_123456789 --link-url ..." in added.stderr
    lines = json.loads(prompt.run("doctor", "-o", "json").stdout)
    (failed,) = [line["finding"] for line in lines if line["state"] == "fail"]
    assert (
        "no run for sales can be accepted: act_123456789 lacks link_url, pixel_id, conversion_event" in failed
    )
    rest = ("--link-url", "https://www.example.com/", "--pixel-id", "2001", "--conversion-event", "PURCHASE")
    done = prompt.run("account", "set", "act_123456789", *rest, "-o", "json")
    told = json.loads(done.stdout)
    assert (told["page_id"], told["pixel_id"], told["link_url"]) == (
        "1001",
        "2001",
        "https://www.example.com/",
    )
    assert "still needs" not in done.stderr
    assert prompt.run("doctor", "-o", "json").exit_code == 0


@pytest.mark.parametrize(("variables", "code"), [({}, 1), ({"META_DEFAULT_AD_ACCOUNT_ID": "act_404"}, 1)])
def test_the_doctor_exits_by_what_it_found(prompt: Prompt, variables: dict[str, str], code: int) -> None:
    done = prompt.run("doctor", "-o", "json", **variables)
    lines = json.loads(done.stdout)
    states = {line["state"] for line in lines}
    assert done.exit_code == code
    assert any(line["check"] == "pictures" and "kept in" in line["finding"] for line in lines)
    assert ("fail" in states) == bool(code)


def test_an_accounts_spend_limits_are_set_shown_and_lifted(prompt: Prompt) -> None:
    prompt.run("account", "add", "act_123456789", "--page-id", "1001")
    options = ("--daily", "500", "--monthly", "9000.50", "-o", "json")
    limited = json.loads(prompt.run("account", "limits", "act_123456789", *options).stdout)
    assert (limited["daily_limit"], limited["monthly_limit"]) == ("500.00 EUR", "9000.50 EUR")
    shown = json.loads(prompt.run("exposure", "-o", "json").stdout)
    assert [line["left"] for line in shown["accounts"][0]["limits"]] == [500.0, 9000.5]
    lifted = prompt.run("account", "limits", "act_123456789", "--daily", "none", "-o", "json")
    assert json.loads(lifted.stdout)["daily_limit"] is None


@pytest.mark.parametrize(("amount", "code"), [("much", 2), ("-5", 4), ("0", 4)])
def test_a_limit_that_is_no_amount_is_refused(prompt: Prompt, amount: str, code: int) -> None:
    prompt.run("account", "add", "act_123456789", "--page-id", "1001")
    assert prompt.run("account", "limits", "act_123456789", f"--daily={amount}").exit_code == code


def test_what_an_account_has_learned_is_told_in_words_and_as_the_api_does(
    prompt: Prompt, database_url: str
) -> None:
    left = MeasuredTest(((0.1, 0.02), (-0.1, 0.02)), ((0.0, 0.01), (0.0, 0.01)), days=1.0, events=90.0)
    with opened_units(database_url) as open_unit, open_unit() as unit:
        unit.accounts.add(ACCOUNT)
        unit.runs.add(run_of())
        unit.finished_tests.put([FinishedTest(RUN_ID, ACT, "roas", NOW, left)])
        unit.commit()
    command = ("account", "memory", ACT)
    told = prompt.run(*command, DATABASE_URL=database_url).stdout
    assert told.startswith("Finished tests that count for roas: 1.")
    assert RUN_ID in told
    shown = json.loads(prompt.run(*command, "-o", "json", DATABASE_URL=database_url).stdout)
    assert (shown["tests"], shown["known"], shown["runs"][0]["run_id"]) == (1, False, RUN_ID)
    assert shown["account_memory"]["tests"][0]["rate"] == [[0.1, 0.02], [-0.1, 0.02]]
    empty = prompt.run(*command, "--criteria", "cpa", "--recount", DATABASE_URL=database_url, LANGUAGE="es")
    assert empty.stdout.startswith("Ninguna prueba terminada de esta cuenta cuenta todavía para cpa.")
    assert "Pruebas terminadas contadas de nuevo: 0." in empty.stderr


def test_exposure_is_a_table_of_accounts_runs_and_objects(prompt: Prompt) -> None:
    prompt.run("account", "add", "act_123456789", "--page-id", "1001")
    shown = prompt.run("exposure", "-o", "plain")
    assert shown.stdout.split("\t")[0] == "act_123456789"
    assert "0.00 EUR" in shown.stdout
