"""Advice on a configuration that is legal and unwise; `breakerd check` and the service tell it."""
