"""The commands of `breakerd`."""
