"""Readings of the machine: control group, memory, load, event loop lag."""
