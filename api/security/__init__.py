"""Authentication, tokens, audit trail."""
