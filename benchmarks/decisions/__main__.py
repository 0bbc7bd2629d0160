"""``python -m benchmarks.decisions``: what the engine's decisions are worth, beside those of its rivals.

Results go to ``benchmarks/results/decisions.md`` and ``.json``; what a run does not measure stays as an earlier one left it.
``--quick`` takes half a minute. ``--with-gbstats`` needs a package index.
"""

import argparse
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.decisions import growthbook, memory, net, proven, said
from benchmarks.decisions.report import written
from benchmarks.decisions.tables import Over, Record
from benchmarks.machine import RESULTS, keep_records

MEASURES: Mapping[str, Callable[..., list[Record]]] = {
    **{f"market{variants}": partial(net.market, variants) for variants in net.TESTS},
    "brief": net.brief,
    "said": said.said,
    "criteria": said.by_criterion,
    "memory": memory.memory,
    "clicks": memory.clicks,
    "proof": proven.proof,
    "engine": proven.engine,
}
WITH_GBSTATS: Mapping[str, Callable[..., list[Record]]] = {"gbstats": growthbook.gbstats}


def main() -> None:
    """Measure what the command line asks for, and keep it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.decisions", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few cells and tests, to try it")
    parser.add_argument("--only", choices=MEASURES, action="append", help="may be given several times")
    parser.add_argument("--with-gbstats", action="store_true", help="install and measure it as well")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--out", type=Path, default=RESULTS / "decisions", help=".md and .json are added")
    asked = parser.parse_args()
    # A process each is faster than threads of the linear algebra in all of them.
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
    with ProcessPoolExecutor(asked.processes) as pool:
        for name in [*(asked.only or MEASURES), *(WITH_GBSTATS if asked.with_gbstats else ())]:
            found = measured(name, pool.map, quick=asked.quick)
            keep_records(asked.out, {name: found}, written)
            print(f"{name}: {len(found)} records", flush=True)
    print(asked.out.with_suffix(".md").read_text("utf-8"))


def measured(name: str, over: Over, **asked: Any) -> list[Record]:
    """Return the records of one measure."""
    return {**MEASURES, **WITH_GBSTATS}[name](over=over, **asked)


if __name__ == "__main__":
    main()
