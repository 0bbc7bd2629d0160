"""The thin dashboard: pages drawn on the server, without scripts, that show and do what the reader's role permits."""
