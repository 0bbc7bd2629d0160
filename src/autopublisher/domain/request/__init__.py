"""Requests: what people ask for, and the rules each must keep."""
