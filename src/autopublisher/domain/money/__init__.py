"""Money: what a run may spend, what it could spend at worst, and the limits it must keep."""
