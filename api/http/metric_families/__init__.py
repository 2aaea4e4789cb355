"""Families of metrics, each by what it is about."""
