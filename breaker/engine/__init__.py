"""Decide when a breaker opens, probes and closes. Pure: no lock, thread or clock."""
