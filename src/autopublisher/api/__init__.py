"""The HTTP face: the brief's endpoints, the resources around them, and every error as problem+json."""
