"""A published campaign after its run: its states, its money as Meta last told it, and how it moves on."""
