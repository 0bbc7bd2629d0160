"""./run and ./test set up what they need: once, again when the locks change, and after any mishap.

uv and the environment's Python are small scripts here that note down what they are asked to do.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

FAKE_UV = """#!/bin/sh
[ "$1" = --version ] && exit 0
echo "$*" >> "{notes}"
if [ "$1" = venv ]; then
    for folder; do :; done
    mkdir -p "$folder/bin" "$folder/lib/python3/site-packages/package"
    cp "{python}" "$folder/bin/python"
    cp "{python}" "$folder/bin/lint-imports"
fi
if [ -e "{mishap}" ]; then rm "{mishap}"; kill -KILL "$PPID"; fi
sleep 0.1
"""

FAKE_PYTHON = """#!/bin/sh
[ "$1" = -I ] && exit 0
echo "$PWD: $*"
[ "$2" != "${FAILING_MODULE:-none}" ]
"""

# Debian ships Python without ensurepip unless python3-venv is installed.
WITHOUT_VENV_MODULE = """
import runpy, sys
sys.modules["ensurepip"] = None
sys.argv = [sys.argv[1], "run"]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@dataclass(frozen=True)
class Project:
    """A copy of the project's set-up in a folder of its own, with noted tools."""

    folder: Path
    tools: Path

    def call(
        self, *command: str, path: str | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Call one of the project's scripts from another folder and wait for it."""
        return subprocess.run(
            [str(self.folder / command[0]), *command[1:]],
            cwd=self.tools,
            env={"PATH": path or f"{self.tools}:{os.environ['PATH']}"} | environment,
            capture_output=True,
            check=False,
            text=True,
        )

    def installed_locks(self) -> list[str]:
        """Return the lock files that were installed so far, in order."""
        notes = self.tools / "notes"
        lines = notes.read_text("utf-8").splitlines() if notes.exists() else []
        return [Path(line.rpartition(" ")[2]).name for line in lines if "--requirement" in line]


@pytest.fixture
def project(root: Path, tmp_path: Path) -> Project:
    folder, tools = tmp_path / "a folder", tmp_path / "tools"
    tools.mkdir()
    (folder / "scripts").mkdir(parents=True)
    for name in ("run", "test", "scripts/bootstrap.sh", "scripts/set_up.py", "pyproject.toml"):
        shutil.copy(root / name, folder / name)
    for name in ("requirements.lock", "requirements-dev.lock"):
        (folder / name).write_text("")
    paths = {name: tools / name for name in ("notes", "mishap", "python")}
    for name, script in (("uv", FAKE_UV.format(**paths)), ("python", FAKE_PYTHON)):
        (tools / name).write_text(script)
        (tools / name).chmod(0o755)
    (tools / "python3").symlink_to(sys.executable)
    return Project(folder, tools)


def test_run_starts_the_demo_in_the_projects_folder_with_its_arguments(project: Project) -> None:
    finished = project.call("run", "--once", "two words")
    assert finished.stdout == f"{project.folder}: -m autopublisher demo --once two words\n"


def test_a_second_call_installs_nothing(project: Project) -> None:
    project.call("run")
    assert project.call("run").stderr == ""
    assert project.installed_locks() == ["requirements.lock"]


def test_what_the_tests_need_serves_the_demo_as_well(project: Project) -> None:
    project.call("test")
    project.call("run")
    assert project.installed_locks() == ["requirements-dev.lock"]


def test_a_changed_lock_is_installed(project: Project) -> None:
    project.call("run")
    (project.folder / "requirements.lock").write_text("# changed")
    project.call("run")
    assert project.installed_locks() == ["requirements.lock"] * 2


def test_a_killed_set_up_is_done_afresh_by_the_next_call(project: Project) -> None:
    (project.tools / "mishap").touch()
    killed = project.call("run")
    assert killed.stdout == ""
    assert project.call("run").returncode == 0
    assert project.installed_locks() == ["requirements.lock"]


@pytest.mark.parametrize("lost", ["bin/python", "lib/python3/site-packages/package", "set-up.json"])
def test_a_damaged_environment_is_built_again(project: Project, lost: str) -> None:
    project.call("run")
    path = project.folder / ".venv" / lost
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert project.call("run").returncode == 0
    assert project.installed_locks() == ["requirements.lock"] * 2


def test_an_environment_copied_along_with_the_project_is_built_again(project: Project) -> None:
    project.call("run")
    copy = Project(project.folder.with_name("a copy"), project.tools)
    shutil.copytree(project.folder, copy.folder)
    copy.call("run")
    assert project.installed_locks() == ["requirements.lock"] * 2


def test_two_calls_at_once_install_once(project: Project) -> None:
    command = [sys.executable, "-I", str(project.folder / "scripts" / "set_up.py"), "run"]
    environment = {"PATH": f"{project.tools}:{os.environ['PATH']}"}
    calls = [subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) for _ in range(3)]
    assert [call.wait() for call in calls] == [0, 0, 0]
    assert project.installed_locks() == ["requirements.lock"]


def test_a_machine_without_python_is_told_what_to_install(project: Project) -> None:
    bare = project.tools / "bare"
    bare.mkdir()
    for name in ("bash", "dirname", "readlink"):
        (bare / name).symlink_to(str(shutil.which(name)))
    finished = project.call("run", path=str(bare))
    assert finished.returncode == 1
    assert "apt install python3 python3-venv" in finished.stderr


def test_a_python_without_its_venv_module_is_told_what_to_install(project: Project) -> None:
    script = str(project.folder / "scripts" / "set_up.py")
    command = [sys.executable, "-I", "-c", WITHOUT_VENV_MODULE, script]
    finished = subprocess.run(command, env={"PATH": ""}, capture_output=True, check=False, text=True)
    assert finished.returncode == 1
    assert "apt install python3-venv" in finished.stderr


def test_every_stage_runs_though_an_earlier_one_fails(project: Project) -> None:
    finished = project.call("test", "-k", "money", FAILING_MODULE="ruff")
    assert finished.returncode == 1
    assert finished.stdout.splitlines() == [
        f"{project.folder}: -m ruff check .",
        f"{project.folder}: -m ruff format --check .",
        f"{project.folder}: -m mypy",
        f"{project.folder}: ",
        f"{project.folder}: -m pytest -n 3 --dist worksteal -k money",
    ]
    assert finished.stderr.splitlines()[-1] == "Failed: ruff check; ruff format;"


def test_fast_leaves_out_the_slow_tests_and_no_lint_the_checks(project: Project) -> None:
    finished = project.call("test", "--fast", "--no-lint")
    assert (
        finished.stdout == f"{project.folder}: -m pytest -n 3 --dist worksteal -m not slow and not postgres\n"
    )


def test_unit_runs_what_decides_and_what_writes_and_nothing_else(project: Project) -> None:
    finished = project.call("test", "--unit")
    assert finished.stdout == (
        f"{project.folder}: -m pytest -n 3 --dist worksteal -m not slow and not postgres "
        "tests/unit/domain tests/flows/writes\n"
    )


def test_a_failing_test_run_fails_the_whole(project: Project) -> None:
    assert project.call("test", FAILING_MODULE="pytest").returncode == 1
    assert project.call("test").returncode == 0
