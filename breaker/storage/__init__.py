"""The SQLite file that several processes of one host share."""
