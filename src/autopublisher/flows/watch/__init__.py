"""What an account's watch does at its looks."""
