"""Which installation a database is of, and what it claims, come back as they were stored, from every kind of database."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from autopublisher.adapters.db.place import place_of
from autopublisher.domain.accounts.claims import Claim, ClaimState
from autopublisher.domain.accounts.installation import Installation, Restoration
from autopublisher.domain.ids import ActId, InstallationId
from autopublisher.domain.messages import legacy
from autopublisher.ports.repositories import OpenUnitOfWork

ACT = ActId("act_1")


def test_the_first_installation_stays(open_unit: OpenUnitOfWork, now: datetime) -> None:
    one, other = (Installation(InstallationId(name), now) for name in ("one", "other"))
    with open_unit() as unit:
        assert unit.installations.present() is None
        unit.installations.add(one)
        unit.installations.add(other)
        unit.commit()
    with open_unit() as unit:
        assert unit.installations.present() == one


def test_a_restoration_comes_back(open_unit: OpenUnitOfWork, now: datetime) -> None:
    restored = Installation(InstallationId("one"), now, Restoration("r", now, now, "ana", took_over=True))
    with open_unit() as unit:
        unit.installations.add(Installation(InstallationId("one"), now))
        unit.installations.save(restored)
        unit.commit()
    with open_unit() as unit:
        assert unit.installations.present() == restored


def test_a_claim_comes_back(open_unit: OpenUnitOfWork, now: datetime) -> None:
    claim = Claim(
        ACT, 3, ("b", "a"), "file 7", ClaimState.REFUSED, legacy("why"), take_over=True, again_at=now
    )
    with open_unit() as unit:
        assert unit.claims.of(ACT) is None
        unit.claims.put(replace(claim, epoch=2))
        unit.claims.put(claim)
        unit.commit()
    with open_unit() as unit:
        assert unit.claims.of(ACT) == claim


def test_a_copied_file_lies_elsewhere_and_a_moved_one_does_not(sqlite_engine: Engine, tmp_path: Path) -> None:
    place, file = place_of(sqlite_engine), Path(str(sqlite_engine.url.database))
    (tmp_path / "copy.db").write_bytes(file.read_bytes())
    file.rename(tmp_path / "first.db")
    (tmp_path / "copy.db").rename(file)
    assert place_of(sqlite_engine) != place
    (tmp_path / "first.db").rename(file)
    assert place_of(sqlite_engine) == place


@pytest.mark.slow
def test_a_server_says_where_a_database_lies(postgres_engine: Engine) -> None:
    place = place_of(postgres_engine)
    assert place.startswith("database ")
    assert place == place_of(postgres_engine)
