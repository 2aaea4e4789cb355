"""Rows: delimited lines with a header, and JSON objects, one per line."""
