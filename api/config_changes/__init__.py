"""Changes of the configuration by request: all or nothing, tried first, kept or temporary."""
