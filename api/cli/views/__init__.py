"""Print answers of a service on a terminal."""
