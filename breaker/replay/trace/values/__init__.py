"""Values of a trace: times, durations, outcomes, memory.

Each parser raises ValueError with the value found and the values understood.
"""

Value = str | float | bool | None
"""Value of a cell of a table, or of a field of a JSON object."""
