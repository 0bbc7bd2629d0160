"""``python -m benchmarks.api``: what the answers of the API and the dashboard cost, alone and beside others."""

from collections.abc import Mapping

from benchmarks.api.answers import exposure, pages, status
from benchmarks.api.serving import beside, memory, served, several
from benchmarks.measuring import Measure
from benchmarks.reporting import run

MEASURES: Mapping[str, Measure] = {
    "status": status,
    "pages": pages,
    "exposure": exposure,
    "served": served,
    "beside": beside,
    "several": several,
    "memory": memory,
}

if __name__ == "__main__":
    run("api", MEASURES)
