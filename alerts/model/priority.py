"""OpsGenie's priorities, which all receivers are told in."""

from typing import Literal

Priority = Literal["P1", "P2", "P3", "P4", "P5"]
"""P1 is the most urgent."""
