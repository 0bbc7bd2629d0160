"""Pure rules of the trade: numbers and rows in, decisions out. No IO, no clock, no randomness of its own."""
