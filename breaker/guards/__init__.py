"""Guarded calls: context managers, decorators, time-outs."""
