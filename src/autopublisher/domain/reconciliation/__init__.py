"""Reconciliation: what Meta shows, held against the journal."""
