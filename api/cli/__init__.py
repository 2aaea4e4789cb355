"""The command `breakerd`."""
