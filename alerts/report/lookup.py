"""Lookup of an incident by what people have of it: its id, a part of it, or the alias."""

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Final

from breakerd.alerts.model.incident import Incident

MAX_LATEST: Final = 1000
"""Number of incidents among which one is looked for; the database keeps no more."""
_MIN_PREFIX: Final = 4
"""Minimum number of characters of a part of an id."""
_NEAR: Final = 5
"""Maximum number of incidents that an error names."""


class UnknownIncidentError(LookupError):
    """No incident, or more than one, is meant. Names the near ones."""


def lookup(wanted: str, latest: Sequence[Incident]) -> Incident:
    """Return the incident that is meant.

    Args:
        wanted: its id, the beginning of its id (at least four characters) if no other begins so, or
            the alias of its alert, of which the latest incident counts.
        latest: the incidents, newest first.

    Raises:
        UnknownIncidentError: none is meant, or several are.
    """
    for each in latest:
        if wanted in {each.id, each.alias}:
            return each
    begin = [each for each in latest if len(wanted) >= _MIN_PREFIX and each.id.startswith(wanted)]
    if len(begin) == 1:
        return begin[0]
    if begin:
        raise UnknownIncidentError(f"{wanted!r} begins several ids: {_listed(begin)}")
    near = sorted(latest, key=lambda each: _likeness(wanted, each), reverse=True)
    known = f"the nearest are {_listed(near)}" if near else "there has been no incident"
    raise UnknownIncidentError(f"unknown incident {wanted!r}; {known}")


def _likeness(wanted: str, incident: Incident) -> float:
    """Return how much an id, an alias or a name of a breaker is like what is wanted, 0 to 1."""
    known = (incident.id, incident.alias, incident.breaker)
    return max(SequenceMatcher(None, wanted, each).ratio() for each in known)


def _listed(incidents: Sequence[Incident]) -> str:
    named = [f"{each.id} ({each.breaker}, {each.phase.value})" for each in incidents[:_NEAR]]
    return ", ".join(named)
