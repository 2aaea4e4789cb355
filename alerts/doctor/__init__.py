"""Checks of the alerting set-up, for `breakerd doctor`."""
