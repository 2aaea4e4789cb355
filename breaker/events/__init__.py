"""Events of a breaker, and who listens to them."""
