"""The circuit breaker: states, signals, limits, and what embeds them in a service."""
