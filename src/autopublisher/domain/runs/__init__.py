"""Runs: status table, plan, reservations, settlement, and what is noted of those that have ended."""
