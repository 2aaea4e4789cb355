"""What can trip a breaker: each signal observes, and gives its verdict with the evidence."""
