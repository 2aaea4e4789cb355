"""Events of a breaker, their listeners and streams."""
