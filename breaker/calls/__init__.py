"""Calls as counted: sliding window, totals, histogram of durations, admissions."""
