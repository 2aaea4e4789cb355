"""Heartbeats: ping a dead man's switch while alerting works."""
