"""Breakers by name, with their file and what runs in the background for them."""

from breakerd.breaker.config.sections import DEFAULT
from breakerd.breaker.registry.opening import open_breaker
from breakerd.breaker.registry.registry import Registry

__all__ = ["DEFAULT", "Registry", "open_breaker"]
