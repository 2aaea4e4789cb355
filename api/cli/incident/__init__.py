"""`breakerd incident`: the report of one incident, from a running service or from its files."""
