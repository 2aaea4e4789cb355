"""Record of a fleet of several hosts: the sums of all of them, on each of them."""
