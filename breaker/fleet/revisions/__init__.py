"""Settings between hosts: what an operator changes on one is a revision, which the others take."""
