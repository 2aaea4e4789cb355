"""Shadow of a breaker: other settings on the same calls, which reject nothing."""
