"""Run an engine: fast path, lock and clock, ticker, status."""
