#!/usr/bin/env python3
"""Make .venv fit the lock files: the set-up behind ./run and ./test, with the standard library only.

The stamp is written last: whatever interrupts a set-up, the next call finds no stamp and builds afresh.
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "set-up.json"
GUARD = VENV / "set-up.lock"
LOCK_FILES = {"run": ROOT / "requirements.lock", "dev": ROOT / "requirements-dev.lock"}


class SetUpError(Exception):
    """The environment could not be set up."""


def tell(message: str) -> None:
    """Report progress; stdout belongs to the program that is started afterwards."""
    sys.stderr.write(f"{message}\n")
    sys.stderr.flush()


def fingerprint() -> str:
    """Return a digest of all that decides what the environment contains.

    The path is part of it because an environment cannot be moved: a copied one would run the original's code.
    """
    digest = hashlib.sha256(f"{sys.version_info[:2]} {ROOT}".encode())
    for path in (*LOCK_FILES.values(), ROOT / "pyproject.toml", Path(__file__).resolve()):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def installed() -> list[str]:
    """Return the names in site-packages, by which a partly deleted environment is recognised."""
    return sorted(path.name for path in VENV.glob("lib/python*/site-packages/*"))


def environment_kind() -> str | None:
    """Return "run" or "dev" for a sound environment that fits the lock files, otherwise None."""
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(stamp, dict) or stamp.get("fingerprint") != fingerprint():
        return None
    if not set(stamp.get("installed", ())).issubset(installed()) or not python_starts():
        return None
    kind = stamp.get("kind")
    return kind if kind in LOCK_FILES else None


def python_starts() -> bool:
    """Tell whether the environment's interpreter runs; a system upgrade can leave it dangling."""
    with contextlib.suppress(OSError):
        return call([PYTHON, "-I", "-c", "import encodings"], quiet=True) == 0
    return False


def serves(present: str | None, wanted: str) -> bool:
    """Tell whether an environment of one kind can be used as another: dev contains run."""
    return present in {wanted, "dev"}


def call(command: Sequence[str | Path], *, quiet: bool = False) -> int:
    """Run a command with its output on stderr and return its exit code."""
    output = subprocess.DEVNULL if quiet else sys.stderr
    # The commands are our own constants and paths; nothing comes from outside.
    return subprocess.run(command, cwd=ROOT, stdout=output, stderr=output, check=False).returncode  # noqa: S603


def check(command: Sequence[str | Path], failure: str) -> None:
    """Run a command; raise SetUpError with the given sentence when it fails."""
    if call(command) != 0:
        raise SetUpError(failure)


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Hold the set-up lock, so that two calls at once do not write the same environment."""
    while True:
        VENV.mkdir(exist_ok=True)
        with GUARD.open("a", encoding="utf-8") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                tell("Waiting for another set-up of this folder to finish ...")
                fcntl.flock(handle, fcntl.LOCK_EX)
            if is_same_file(handle.fileno(), GUARD):
                yield
                return
        # The environment was deleted while we waited; the lock we hold guards nothing.


def is_same_file(descriptor: int, path: Path) -> bool:
    """Tell whether an open file is still the one at a path."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def clear() -> None:
    """Empty the environment's folder but for the lock that is being held."""
    for path in VENV.iterdir():
        if path == GUARD:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def working_uv() -> str | None:
    """Return the uv on PATH if it starts; one inside our own environment would be deleted under its feet."""
    uv = shutil.which("uv")
    if uv is None or Path(uv).absolute().is_relative_to(VENV):
        return None
    with contextlib.suppress(OSError):
        if call([uv, "--version"], quiet=True) == 0:
            return uv
    return None


def create(command: Sequence[str | Path], failure: str) -> None:
    """Make an empty environment with the given command."""
    clear()
    check([*command, VENV], failure)


def install_packages(installer: Sequence[str | Path], kind: str, *, offline: str) -> None:
    """Install the locked packages and then the project itself, editable, with pip or its like."""
    locked: list[str | Path] = [
        "--require-hashes",
        "--only-binary",
        ":all:",
        "--requirement",
        LOCK_FILES[kind],
    ]
    check([*installer, *locked], f"the packages of {LOCK_FILES[kind].name} could not be installed")
    # What builds the project is in the lock file, so this step needs no isolation, no network and no hash.
    project: list[str | Path] = [offline, "--no-deps", "--no-build-isolation", "--editable", ROOT]
    check([*installer, *project], "AutoPublisher itself could not be installed")


def install_with_uv(uv: str, kind: str, *, fresh: bool) -> None:
    """Create the environment if asked and install into it with uv."""
    if fresh:
        options = ["--quiet", "--no-project", "--allow-existing", "--no-python-downloads"]
        create([uv, "venv", *options, "--python", sys.executable], "uv could not create .venv")
    # As pip does: without it every process of a machine that keeps no bytecode compiles all packages anew.
    quiet = ["--quiet", "--compile-bytecode"]
    install_packages([uv, "pip", "install", *quiet, "--python", PYTHON], kind, offline="--offline")


def install_with_pip(kind: str, *, fresh: bool) -> None:
    """Create the environment if asked and install into it with the standard library's venv and pip."""
    if fresh:
        if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
            raise SetUpError("this Python has no venv module. On Debian or Ubuntu: apt install python3-venv")
        create([sys.executable, "-I", "-m", "venv"], "python3 -m venv could not create .venv")
    tell(f"Installing {LOCK_FILES[kind].name} with pip; a first time takes a minute or two ...")
    pip: list[str | Path] = [PYTHON, "-I", "-m", "pip", "--no-input", "--disable-pip-version-check"]
    install_packages([*pip, "install", "--quiet"], kind, offline="--no-index")


def install(kind: str, *, fresh: bool) -> None:
    """Install with uv where it works, otherwise with venv and pip."""
    uv = working_uv()
    if uv is not None:
        try:
            install_with_uv(uv, kind, fresh=fresh)
        except SetUpError as error:
            tell(f"uv: {error}; trying venv and pip instead.")
        else:
            return
    # uv leaves no pip behind, so an environment made by it is made anew.
    install_with_pip(kind, fresh=fresh or uv is not None or not has_pip())


def has_pip() -> bool:
    """Tell whether the environment can install packages by itself."""
    return call([PYTHON, "-I", "-m", "pip", "--version"], quiet=True) == 0


def write_stamp(kind: str) -> None:
    """Declare the environment complete, in one step that cannot be seen half done."""
    content = {"fingerprint": fingerprint(), "kind": kind, "installed": installed()}
    draft = STAMP.with_suffix(".tmp")
    draft.write_text(json.dumps(content, indent=1), encoding="utf-8")
    draft.replace(STAMP)


def set_up(kind: str) -> None:
    """Bring .venv to the wanted kind; do nothing when it is there already."""
    if serves(environment_kind(), kind):
        return
    with alone():
        present = environment_kind()
        if serves(present, kind):
            return
        began = time.monotonic()
        tell(f"Setting up .venv from {LOCK_FILES[kind].name} ...")
        STAMP.unlink(missing_ok=True)
        install(kind, fresh=present is None)
        write_stamp(kind)
        tell(f"Set up in {time.monotonic() - began:.0f} s.")


def main(arguments: Sequence[str]) -> int:
    """Set up the kind named on the command line and return the exit code."""
    if len(arguments) != 1 or arguments[0] not in LOCK_FILES:
        tell("usage: set_up.py run|dev")
        return 2
    try:
        set_up(arguments[0])
    except (SetUpError, OSError) as error:
        tell(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        tell("Set-up interrupted; the next call starts it afresh.")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
