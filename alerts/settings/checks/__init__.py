"""Checks of settings that are warnings or problems, and no errors."""
