"""Machines that share a database and nothing else: what was put in on one is there for the others."""

from pathlib import Path

import pytest

from autopublisher.bootstrap import Product, Work
from autopublisher.domain.accounts.accounts import AdDefaults
from autopublisher.domain.ids import RunId
from autopublisher.domain.runs.run import FINAL, Run, RunStatus
from support.auditor import RemoteAuditor
from support.crashing_processes import World, wait_until
from support.installation import DEFAULTS
from support.pictures import picture
from support.simulated import ACT, brief_request


def asked_for(product: Product) -> RunId:
    """Register the account, put in two pictures and ask for a run with them, all at this product."""
    accounts = product.services.accounts
    account = accounts.register(ACT, defaults=AdDefaults(**DEFAULTS))
    pictures = tuple(accounts.add_creative(account.id, f"{n}", picture(n), "admin").id for n in range(2))
    request = brief_request(meta_account_id=account.id, creative_ids=pictures)
    return product.services.intake.submit(request, "manager").id


def run_of(product: Product, run_id: RunId) -> Run:
    with product.outside.open_unit() as unit:
        return unit.runs.get(run_id)


@pytest.mark.postgres
def test_a_picture_put_in_on_one_machine_is_used_by_a_worker_on_another(
    postgres_url: str, tmp_path: Path, auditor: RemoteAuditor
) -> None:
    office, factory = (World(tmp_path / name, postgres_url, auditor.url) for name in ("office", "factory"))
    with Product(office.settings, Work.NONE) as here:
        run_id = asked_for(here)
        with Product(factory.settings, Work.HERE):
            waiting = (RunStatus.WAITING_APPROVAL, *FINAL)
            wait_until("the test is over", lambda: run_of(here, run_id).status in waiting)
        run = run_of(here, run_id)
    assert run.status is not RunStatus.FAILED, run.ending.why
    uploads = [one for one in auditor.ask("GET", "requests")["data"] if one["path"].endswith("/adimages")]
    assert len([one for one in uploads if one["method"] == "POST"]) == 2
    assert not any(world.settings.files_folder.exists() for world in (office, factory))
