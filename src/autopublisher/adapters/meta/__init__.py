"""Meta's Marketing API through the official SDK: messages (pure), session (the wire), pacer and client."""
