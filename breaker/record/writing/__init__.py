"""Writing side of the record: what a process brings, and what the leader of the host does."""
