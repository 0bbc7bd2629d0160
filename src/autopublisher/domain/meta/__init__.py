"""Meta's rules, limits and wire forms."""
