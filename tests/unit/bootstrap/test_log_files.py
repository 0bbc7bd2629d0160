"""Logs stay within bounds, and what keeps them from being written is a sentence."""

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from autopublisher.api.loggers import REQUESTS_LOGGER
from autopublisher.api.middleware import bounded
from autopublisher.bootstrap import log_files
from autopublisher.bootstrap.log_files import BoundedLog, RepeatFilter
from autopublisher.bootstrap.logs import log_to_file
from autopublisher.domain.errors import ConfigurationError
from autopublisher.domain.faults import Fault
from support.disks import disk_at

NOON = 1_800_000_000.0


@pytest.fixture(autouse=True)
def quiet_afterwards() -> Iterator[None]:
    yield
    structlog.reset_defaults()
    for logger in (logging.getLogger(), logging.getLogger(REQUESTS_LOGGER)):
        for handler in [one for one in logger.handlers if one.get_name() == "autopublisher"]:
            logger.removeHandler(handler)
            handler.close()
    logging.captureWarnings(capture=False)


def record(event: str, at: float, level: int = logging.WARNING) -> logging.LogRecord:
    made = logging.LogRecord("a", level, "", 0, event, (), None)
    made.created = at
    return made


def written(filter_: RepeatFilter, *records: logging.LogRecord) -> list[str]:
    return [one.getMessage() for one in records if filter_.filter(one)]


def test_a_warning_that_repeats_is_counted_instead_of_written() -> None:
    outage = [record("no answer", NOON + second) for second in range(3600)]
    lines = written(RepeatFilter(), *outage)
    assert len(lines) == 5 + 59
    assert lines[5] == "no answer (55 like it were left out)"


def test_what_is_no_warning_and_what_is_another_one_pass() -> None:
    records = [record(f"event {number}", NOON) for number in range(50)]
    records += [record("same", NOON, logging.INFO) for _ in range(50)]
    assert len(written(RepeatFilter(), *records)) == 100


def test_a_file_is_ended_by_its_size_and_by_its_age(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    log = BoundedLog(path)
    log.emit(record("first", NOON))
    log.emit(record("later", NOON + log_files.LONGEST_SECONDS + 1))
    assert (path.read_text("utf-8"), Path(f"{path}.1").read_text("utf-8")) == ("later\n", "first\n")
    for number in range(60):
        log.emit(record("x" * 1_000_000, NOON + log_files.LONGEST_SECONDS + 2 + number))
    log.close()
    files = list(tmp_path.iterdir())
    assert len(files) == log_files.KEPT_FILES + 1
    assert sum(one.stat().st_size for one in files) <= len(files) * log_files.LARGEST_BYTES


def test_the_age_of_a_file_is_that_of_its_first_line(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text(json.dumps({"timestamp": "2026-01-01T00:00:00Z"}) + "\n", "utf-8")
    log = BoundedLog(path)
    log.emit(record("new", NOON))
    log.close()
    assert path.read_text("utf-8") == "new\n"


def test_a_full_device_is_said_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr("sys.stderr", terminal)
    with disk_at(tmp_path / "disk") as disk:
        log = BoundedLog(disk.folder / "a.log")
        disk.fill()
        for second in range(10):
            log.emit(record("x" * 10_000, NOON + second))
        assert terminal.getvalue().count("its lines are lost until it can") == 1
        assert "Traceback" not in terminal.getvalue()
        disk.free()
        log.emit(record("kept", NOON + 20))
        log.close()
        assert "is written again" in terminal.getvalue()
        assert (disk.folder / "a.log").read_text("utf-8").endswith("kept\n")


def test_a_log_that_is_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "autopublisher.log").mkdir()
    with pytest.raises(ConfigurationError, match=Fault.LOG_IS_FOLDER):
        log_to_file(tmp_path, "INFO")


def test_requests_have_a_log_of_their_own(tmp_path: Path) -> None:
    log_to_file(tmp_path, "INFO")
    structlog.get_logger(REQUESTS_LOGGER).info("request_answered", path=bounded("/" + "a" * 60_000))
    structlog.get_logger("other").warning("matters")
    main, requests = ((tmp_path / name).read_text("utf-8") for name in ("autopublisher.log", "requests.log"))
    assert json.loads(main)["event"] == "matters"
    assert json.loads(requests)["path"] == "/" + "a" * 199 + " and 59801 more"
