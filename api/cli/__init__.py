"""Command line of breakerd."""
