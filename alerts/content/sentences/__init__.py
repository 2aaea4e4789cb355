"""Sentences of a description: impact, next step, measurements."""
