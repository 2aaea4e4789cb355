"""Faults that the emulator injects into requests and responses."""
