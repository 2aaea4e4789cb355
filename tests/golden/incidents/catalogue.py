"""Catalogue of the incidents: number, name, title and script of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.golden.notifications import LIMITS
from tests.golden.world import World

Script = Callable[[World], None]


@dataclass(frozen=True)
class Incident:
    """One incident.

    Attributes:
        name: file name of its transcript, without the ending.
        title: what it shows.
        script: what happens.
        limits: maximum number of notifications of each alert, by receiver.
    """

    name: str
    title: str
    script: Script
    limits: dict[str, int]


class Catalogue(list[Incident]):
    """Incidents in their order; scripts are added by decoration."""

    def add(
        self, name: str, title: str, limits: dict[str, int] = LIMITS
    ) -> Callable[[Script], Script]:
        def added(script: Script) -> Script:
            self.append(Incident(name, title, script, limits))
            return script

        return added
