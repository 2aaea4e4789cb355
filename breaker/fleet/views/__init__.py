"""Views of a fleet for those who look: states, sums and percentiles of many processes."""
