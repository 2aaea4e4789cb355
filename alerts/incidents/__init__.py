"""Observe breakers, and keep their incidents up to date."""
