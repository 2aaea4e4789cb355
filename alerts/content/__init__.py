"""Composes the content of alerts and draws their charts."""
