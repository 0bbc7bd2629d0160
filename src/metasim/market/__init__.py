"""The market: what the simulated public truly does with ads, and how Meta would spend on them."""
