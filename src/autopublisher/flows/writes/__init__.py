"""The room of everything that may write to Meta."""
