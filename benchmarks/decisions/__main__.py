"""``python -m benchmarks.decisions``: the decision engine's table of ties, power, coverage and speed."""

from benchmarks.decisions.calibration import main

main()
