"""Promote a candidate: make its settings those in force, now or as promised."""
