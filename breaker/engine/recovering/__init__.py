"""Parts of a recovery: its waits, its phases, and the orders of a fleet."""
