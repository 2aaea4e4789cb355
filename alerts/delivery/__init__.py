"""Deliver to receivers: pipeline, dispatcher, retries."""
