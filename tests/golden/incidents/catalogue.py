"""Catalogue of the incidents: number, name, title and script of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.golden.notifications import LIMITS
from tests.golden.world import World

Script = Callable[[World], None]


@dataclass(frozen=True, kw_only=True)
class Incident:
    """One incident.

    Attributes:
        name: file name of its transcript, without the ending.
        title: what it shows.
        script: what happens.
        breakers: those that an alert must name.
        says: what the first alert must say, as regular expressions.
        later: what its text must say at last, before the end.
        never: what no text may say: a limit that is not in force, for instance.
        priorities: those that OpsGenie's alert has, in order; not checked if empty.
        limits: maximum number of notifications of each alert, by receiver.
        stays_open: True if an alert is meant to be open at the end.
    """

    name: str
    title: str
    script: Script
    breakers: tuple[str, ...] = ("payments",)
    says: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    priorities: tuple[str, ...] = ()
    limits: dict[str, int]
    stays_open: bool = False


class Catalogue(list[Incident]):
    """Incidents in their order; scripts are added by decoration."""

    def add(self, name: str, title: str, **more: Any) -> Callable[[Script], Script]:
        def added(script: Script) -> Script:
            incident = {"name": name, "title": title, "script": script, "limits": LIMITS, **more}
            self.append(Incident(**incident))
            return script

        return added
