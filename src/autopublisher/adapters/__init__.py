"""The outside world behind the ports: Meta, databases, durable work, clocks and files."""
