"""``python -m benchmarks.control_plane``: what the control plane costs, and how that grows."""

from collections.abc import Mapping

from benchmarks.control_plane.building import build
from benchmarks.control_plane.commands import commands
from benchmarks.control_plane.growth import growth
from benchmarks.control_plane.histories import history, living
from benchmarks.control_plane.idling import idle
from benchmarks.control_plane.money import exposure, gate
from benchmarks.control_plane.polling import poll
from benchmarks.control_plane.residence import residence
from benchmarks.control_plane.rounds import collect, jumping, sweep
from benchmarks.control_plane.throughput import ticks
from benchmarks.measuring import Measure
from benchmarks.reporting import run

MEASURES: Mapping[str, Measure] = {
    "poll": poll,
    "exposure": exposure,
    "gate": gate,
    "collect": collect,
    "sweep": sweep,
    "jumping": jumping,
    "commands": commands,
    "ticks": ticks,
    "build": build,
    "history": history,
    "living": living,
    "growth": growth,
    "residence": residence,
    "idle": idle,
}

if __name__ == "__main__":
    run("control_plane", MEASURES)
