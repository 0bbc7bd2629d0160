"""Autopilot for Meta ad campaigns: tests variants, proves a winner, scales it, and accounts for every cent."""

__version__ = "0.1.0"
