"""Compose what an alert says, and draw its picture."""
