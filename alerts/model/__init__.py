"""Incidents, stages and deliveries. Pure: no I/O."""
