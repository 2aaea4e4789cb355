"""Hub in a SQLite file, for the members of one host."""
