"""Signals: each observes one aspect of the calls or the host, and gives a verdict with evidence."""
