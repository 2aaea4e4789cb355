"""Check that alerting is set up right."""
