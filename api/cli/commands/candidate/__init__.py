"""Commands about the candidate in a breaker's shadow."""
