"""Names of a fleet's incidents: the same for whoever opens one, so that receivers know it again."""

import hashlib
import re
from collections.abc import Iterable
from typing import Final

from breakerd.alerts.fleet.link import FleetLink
from breakerd.alerts.model.text import truncate

_MAX_ALIAS: Final = 490
"""Maximum number of characters of an alias without its number; OpsGenie accepts 512 in all."""
_NUMBER: Final = re.compile(r"(breakerd:.*):(\d{1,15})", re.DOTALL)


class FleetNaming:
    """Names of the incidents of one fleet.

    An alias is the fleet, the breaker and a number: one more than the highest that is known of that
    breaker. The id follows from it.

    Args:
        link: link to the fleet.
    """

    def __init__(self, link: FleetLink) -> None:
        self._link = link
        self._highest: dict[str, int] = {}
        """Highest number by the alias without it."""

    def learn(self, aliases: Iterable[str]) -> None:
        """Take aliases that were used. Others than those of fleets do not matter."""
        for alias in aliases:
            found = _NUMBER.fullmatch(alias)
            if found is not None:
                stem, number = found[1], int(found[2])
                self._highest[stem] = max(number, self._highest.get(stem, 0))

    def __call__(self, breaker: str) -> tuple[str, str]:
        """Return the id and the alias of a new incident that this breaker begins."""
        fleet = self._link.name
        stem = truncate(f"breakerd:{fleet}:{breaker}", _MAX_ALIAS)
        number = self._highest.get(stem, 0) + 1
        self._highest[stem] = number
        told = f"{fleet}\0{breaker}\0{number}"
        return hashlib.sha256(told.encode(errors="backslashreplace")).hexdigest()[
            :12
        ], f"{stem}:{number}"
