"""Parts of an incident: its breakers, its rules, and how it is written down."""
