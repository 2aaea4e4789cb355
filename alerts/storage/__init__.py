"""Keep incidents, commands and reports in the database."""
