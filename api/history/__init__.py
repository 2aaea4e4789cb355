"""What the record of the host answers over HTTP: slots of a breaker, and past events."""
