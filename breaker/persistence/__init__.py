"""Snapshots of a breaker's state, and the file that keeps them."""
