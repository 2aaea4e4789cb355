"""TOML as a text: parsed within limits, scanned for positions, edited in place."""
