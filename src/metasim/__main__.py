"""`python -m metasim`: run the simulator as a process of its own."""

import argparse
import contextlib
import os
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path

from metasim.config import DEFAULT_GROUP_PATTERN, DEFAULT_START, SimulatorConfig
from metasim.control_guard import TOKEN_VARIABLE
from metasim.faults import fault_of, read_fault
from metasim.scenario import built_in_scenarios, load_scenario
from metasim.server import serve, write_url_file


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="metasim", description=__doc__)
    parser.add_argument(
        "--scenario", default="demo", type=_scenario, help="built-in name or path of a TOML file"
    )
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--mode", choices=("manual", "speed"), default="manual")
    parser.add_argument("--speed", type=float, default=1.0, help="simulated seconds per real second")
    parser.add_argument("--start", default=DEFAULT_START, help="simulated start, ISO 8601")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--state", type=Path, default=None, help="file that survives a restart")
    parser.add_argument("--url-file", type=Path, default=None, help="written with url and pid once listening")
    parser.add_argument("--idle-exit", type=float, default=None, metavar="SECONDS")
    parser.add_argument("--group-pattern", default=DEFAULT_GROUP_PATTERN)
    parser.add_argument(
        "--fault",
        action="append",
        type=_fault,
        default=[],
        metavar="KIND:KEY=VALUE,...",
        help="plan a fault, for example 'throttle:rate=0.1,path=/ads$'; may be repeated",
    )
    parser.add_argument(
        "--upgrade-expired", action="store_true", help="serve v24.0 by v25.0 with a warning header"
    )
    return parser


def _scenario(name: str) -> str:
    """Return the name of a scenario that can be read; argparse prints what is wrong with another."""
    try:
        load_scenario(name)
    except FileNotFoundError as error:
        known = ", ".join(built_in_scenarios())
        raise argparse.ArgumentTypeError(f"there is no scenario {name!r}; built in are {known}") from error
    except (ValueError, TypeError, OSError) as error:
        raise argparse.ArgumentTypeError(f"scenario {name!r} cannot be read: {error}") from error
    return name


def _fault(text: str) -> str:
    """Return the text of a fault that can be planned; argparse prints what is wrong with another."""
    try:
        fault_of(0, read_fault(text))
    except (ValueError, TypeError) as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until stopped."""
    given = _parser().parse_args(arguments)
    token = None if given.url_file is None else os.environ.get(TOKEN_VARIABLE) or secrets.token_urlsafe(24)
    config = SimulatorConfig(
        scenario=given.scenario,
        seed=given.seed,
        mode=given.mode,
        speed=given.speed,
        start=given.start,
        state_path=given.state,
        group_pattern=given.group_pattern,
        faults=tuple(given.fault),
        upgrade_expired=given.upgrade_expired,
        control_token=token,
    )

    def announce(url: str) -> None:
        sys.stdout.write(f"simulator listening on {url}\n")
        sys.stdout.flush()
        if given.url_file is not None:
            write_url_file(given.url_file, url, token or "")

    with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C is how people end it
        serve(config, given.host, given.port, announce, given.idle_exit)
    return 0


if __name__ == "__main__":
    sys.exit(main())
