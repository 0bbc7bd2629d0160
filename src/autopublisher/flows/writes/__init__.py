"""Writes to Meta: the only room that may make any."""
