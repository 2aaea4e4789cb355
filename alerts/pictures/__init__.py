"""Pictures of a breaker's calls over time, without a drawing library."""
