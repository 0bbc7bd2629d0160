"""The plan in the terminal: in words and tables, as the API tells it, and started by its digest."""

import json

import pytest

from support.command import ROOT, Prompt
from support.pictures import drawn

pytestmark = pytest.mark.slow

EXAMPLE = ROOT / "examples" / "request_example.json"


@pytest.fixture
def asked(prompt: Prompt) -> str:
    """A request file for an account and two pictures."""
    account = ("--page-id", "1001", "--pixel-id", "2001", "--conversion-event", "PURCHASE")
    links = ("--link-url", "https://shop.example.com/offer", "--instagram-user-id", "17841400000000001")
    known = json.loads(prompt.run("account", "add", "act_123456789", *account, *links, "-o", "json").stdout)
    pictures = []
    for number in range(2):
        picture = prompt.folder / f"picture{number}.png"
        picture.write_bytes(drawn(1080 + number, 1080))
        pictures.append(json.loads(prompt.run("creative", "add", str(picture), "-o", "json").stdout)["id"])
    request = json.loads(EXAMPLE.read_text()) | {"meta_account_id": known["id"], "creative_ids": pictures}
    file = prompt.folder / "request.json"
    file.write_text(json.dumps(request))
    return str(file)


def test_a_plan_is_told_and_then_started_by_its_digest(prompt: Prompt, asked: str) -> None:
    told = prompt.run("plan", "-f", asked, "--cost", "20", "--value", "65")
    assert told.exit_code == 0, told.stderr
    assert told.stdout.startswith("It creates 2 variants, 10 objects at Meta")
    assert "chance of proof" in told.stdout
    assert "Nothing was started." in told.stderr
    shown = json.loads(prompt.run("plan", "-f", asked, "--cost", "20", "--value", "65", "-o", "json").stdout)
    assert shown["digest"] in told.stderr
    assert shown["outlooks"][0]["cost_per_event"] == 20.0
    assert json.loads(prompt.run("runs", "-o", "json").stdout) == []

    refused = prompt.run("plan", "-f", asked, "--confirm", "0" * 64)
    assert (refused.exit_code, json.loads(prompt.run("runs", "-o", "json").stdout)) == (4, [])
    assert "not the one that was confirmed" in refused.stderr
    started = prompt.run("plan", "-f", asked, "--confirm", shown["digest"], "-o", "json")
    assert json.loads(started.stdout)["status"] == "pending"
    assert len(json.loads(prompt.run("runs", "-o", "json").stdout)) == 1


def test_an_expected_cost_that_is_no_amount_is_refused_in_the_readers_language(
    prompt: Prompt,
    asked: str,
) -> None:
    refused = prompt.run("plan", "-f", asked, "--cost", "much", LANGUAGE="es")
    assert refused.exit_code == 4
    assert refused.stdout == ""
    assert "--cost" in refused.stderr
