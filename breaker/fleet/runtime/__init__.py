"""The fleet in one process: its thread, its commands, and what it keeps on disk."""
