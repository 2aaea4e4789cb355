"""Names of incidents: their ids, and the aliases by which receivers know their alerts again."""

import uuid
from collections.abc import Callable
from typing import Final

from breakerd.alerts.model.text import truncate

Naming = Callable[[str], tuple[str, str]]
"""Returns the id and the alias of a new incident that a breaker begins."""
_MAX_ALIAS: Final = 499
"""Maximum number of characters of an alias without its id; OpsGenie accepts 512 in all."""


def name_on_host(host: str, breaker: str) -> tuple[str, str]:
    """Return a new id, and an alias that no other host has."""
    number = uuid.uuid4().hex[:12]
    return number, f"{truncate(f'breakerd:{host}:{breaker}', _MAX_ALIAS)}:{number}"
