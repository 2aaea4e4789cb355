"""Commands about the configuration file itself: check, schema and init."""
