"""Reconciliation: what Meta shows, compared with the journal."""
