"""The admin plane: HTTP, dashboard, command line."""
