"""Checks of `breakerd doctor`: the hub of a fleet."""
