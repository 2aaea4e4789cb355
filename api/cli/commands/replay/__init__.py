"""Commands that replay calls, of a trace or of a breaker's own history, and propose settings."""
