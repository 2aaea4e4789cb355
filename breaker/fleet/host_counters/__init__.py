"""Counters of all processes of a host, ended ones among them: their sums never go back."""
