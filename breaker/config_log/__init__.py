"""Record of the configurations of a file that were in force, and what is in force without it."""

from breakerd.breaker.config_log.config_log import ConfigLog
from breakerd.breaker.config_log.row import ConfigRow, KeyChange

__all__ = ["ConfigLog", "ConfigRow", "KeyChange"]
