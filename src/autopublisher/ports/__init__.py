"""Protocols of everything outside: Meta, the database, durable work, time and files. No code lives here."""
