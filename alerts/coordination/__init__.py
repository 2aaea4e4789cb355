"""One sender among several processes, by a lease."""
