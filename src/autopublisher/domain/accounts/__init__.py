"""Ad accounts: what is allowed on them, who acts on them, and what stops them."""
