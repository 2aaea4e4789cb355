"""Open one breaker of a file."""

from os import PathLike
from typing import Unpack

from breakerd.breaker.breaker import Breaker
from breakerd.breaker.config.sections import DEFAULT
from breakerd.breaker.guards.rules import RuleArguments
from breakerd.breaker.registry.registry import Registry


def open_breaker(
    path: str | PathLike[str], name: str = DEFAULT, **rules: Unpack[RuleArguments]
) -> Breaker:
    """Return the breaker `name` of a TOML file, which is watched and applied while it runs.

    Raises:
        ConfigError: the file is missing or invalid; holds every problem found.
    """
    return Registry.from_file(path).get(name, **rules)
