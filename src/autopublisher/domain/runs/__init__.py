"""Values of a run beyond its row: what is said of one that has ended."""
