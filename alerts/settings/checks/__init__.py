"""Checks of settings whose findings are warnings."""
