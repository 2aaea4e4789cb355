"""Connections of receivers that work when the process has no file descriptor left."""
