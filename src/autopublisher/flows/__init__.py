"""Use cases: what the product does, in terms of the ports alone."""
