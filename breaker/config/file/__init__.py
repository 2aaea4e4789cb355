"""A file that people, programs and other processes edit: read, locked, watched, replaced."""
