"""A whole incident in a minute: `breakerd demo`."""
