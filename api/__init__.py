"""Admin plane: HTTP interface, dashboard, command line."""
