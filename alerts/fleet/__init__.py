"""Alerting of a fleet: one host sends, and the leaders of the others tell it what they see."""
