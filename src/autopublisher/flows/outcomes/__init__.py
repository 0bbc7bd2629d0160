"""Outcomes of a tick: a step, a wait, a failure; known to every other room of the flows."""
