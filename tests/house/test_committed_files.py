"""Nothing that is only true of one machine, and no secret, gets into the repository."""

import re
import subprocess
from pathlib import Path

import pytest

# The patterns are put together from pieces, so that this file does not contain what it forbids.
SLASH = "/"
FORBIDDEN = {
    "a path of somebody's machine": rf"(?<![\w.~-]){SLASH}(?:tmp|work|Users){SLASH}[A-Za-z0-9._ -]+{SLASH}",
    "an unresolved merge": r"^(?:<{7} |>{7} |={7}$)",
    "a private key": r"BEGIN (?:[A-Z]+ )?PRIVATE " + "KEY",
    "an access token of Meta": r"\bEAA" + r"[A-Za-z0-9]{60,}",
}
# Written or installed on this machine; in a checkout git knows them by .gitignore.
NOT_OURS = re.compile(
    r"(^|/)(\.venv|\.git|\.autopublisher|\.hypothesis|\.[a-z_]+_cache|__pycache__|[^/]+\.egg-info)(/|$)"
)


def project_files(root: Path) -> list[Path]:
    """Return the files that are, or would be, committed: all of them where there is no git."""
    if not (root / ".git").exists():
        found = [path for path in root.rglob("*") if not NOT_OURS.search(path.relative_to(root).as_posix())]
        return [path for path in found if path.is_file()]
    command = [
        "git",
        "-c",
        f"safe.directory={root}",
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]
    listed = subprocess.run(command, cwd=root, capture_output=True, check=True, text=True).stdout
    # A file deleted but not yet committed is still listed.
    return [root / name for name in listed.split("\0") if name and (root / name).is_file()]


def findings(text: str) -> list[str]:
    """Return what a text contains of the forbidden, with line numbers."""
    return [
        f"line {text.count(chr(10), 0, match.start()) + 1}: {name}: {match.group()[:60]}"
        for name, pattern in FORBIDDEN.items()
        for match in re.finditer(pattern, text, re.MULTILINE)
    ]


def test_no_file_contains_a_machine_path_or_a_secret(root: Path) -> None:
    files = project_files(root)
    assert root / "pyproject.toml" in files
    texts = {path: path.read_text("utf-8", errors="ignore") for path in files}
    found = [
        f"{path.relative_to(root)} {finding}" for path, text in texts.items() for finding in findings(text)
    ]
    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        f"see {SLASH}tmp{SLASH}notes{SLASH}a.txt",
        f'open("{SLASH}work{SLASH}somewhere{SLASH}x")',
        "<" * 7 + " HEAD",
        "-----BEGIN RSA PRIVATE " + "KEY-----",
        "token=EAA" + "x1" * 40,
    ],
)
def test_the_forbidden_is_recognised(text: str) -> None:
    assert len(findings(text)) == 1


@pytest.mark.parametrize(
    "text", ["https://example.com/work/of/art", "tests/tmp/x/", "a heading\n=======\n"[:10]]
)
def test_the_harmless_is_let_be(text: str) -> None:
    assert findings(text) == []
