"""Reasons of rejected calls: the same as embedded callers see."""

from breakerd import Breaker, Settings, State
from breakerd.breaker.testing import Clock
