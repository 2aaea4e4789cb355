"""Count calls: sliding window, totals, histogram of durations, history of admissions."""
