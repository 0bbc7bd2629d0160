"""The room of what a run's phases do."""
