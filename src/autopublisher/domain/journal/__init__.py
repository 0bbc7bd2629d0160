"""The journal of a run's writes, and what Meta shows that it does not account for."""
