"""Pictures of creatives: formats, sizes and shapes."""
