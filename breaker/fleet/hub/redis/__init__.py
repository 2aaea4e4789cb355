"""Hub on a Redis or Valkey server, for the members of several hosts. Needs the extra `redis`."""
