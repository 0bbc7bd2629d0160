"""What a simulator is started with: scenario, seed, clock and where its state is kept."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ClockMode = Literal["manual", "speed"]
DEFAULT_START = "2026-11-22T09:00:00Z"
DEFAULT_GROUP_PATTERN = r"\[ap-[0-9a-z]+"


@dataclass(frozen=True)
class SimulatorConfig:
    """Settings of one simulator; `scenario` is a built-in name or the path of a TOML file."""

    scenario: str = "demo"
    seed: int = 7
    mode: ClockMode = "manual"
    speed: float = 1.0  # simulated seconds per real second, in speed mode
    start: str = DEFAULT_START
    state_path: Path | None = None
    group_pattern: str = DEFAULT_GROUP_PATTERN  # campaigns whose names share a first match share an exposure
    faults: tuple[str, ...] = ()  # planned from the start, as written on a command line
    control_token: str | None = None  # which the addresses under /_sim ask for
    upgrade_expired: bool = False  # serve v24.0 by v25.0 with a warning header instead of refusing it
