"""One incident that has been run: what receivers got, beside what really happened."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.golden.delivered import Delivered
from tests.golden.incidents.catalogue import Incident
from tests.golden.traffic import Calls
from tests.golden.world import World, made_world

OPSGENIE = "opsgenie"


@dataclass(frozen=True)
class Story:
    """Incident that has been run.

    Attributes:
        incident: the incident.
        text: its transcript.
        delivered: what receivers got, in order.
        states: (time, state, what it would be) of each breaker, once a second.
        calls: (time, calls until then) of each breaker, of all processes together.
        open: alerts that are still open, by receiver.
        problems: what a double or an emulator refused.
    """

    incident: Incident
    text: str
    delivered: list[Delivered]
    states: dict[str, list[tuple[float, str, str]]]
    calls: dict[str, list[tuple[float, Calls]]]
    open: dict[str, list[str]]
    problems: list[str]

    def of(self, receiver: str, *actions: str) -> list[Delivered]:
        """Return what a receiver got, of some actions only if any are given."""
        return [
            each
            for each in self.delivered
            if each.receiver == receiver and (not actions or each.action in actions)
        ]

    def texts(self, *names: str) -> Iterator[tuple[Delivered, str]]:
        """Return all texts, of some fields only if any are named."""
        for each in self.delivered:
            for name, text in each.texts.items():
                if not names or name in names:
                    yield each, text

    def states_at(self, breaker: str, at: float) -> set[str]:
        """Return the states of a breaker in the second before and after a time."""
        return {state for when, state, _ in self.states[breaker] if abs(when - at) <= 1.0}

    def calls_at(self, breaker: str, at: float) -> Calls:
        """Return the calls of a breaker until a time."""
        known = [calls for when, calls in self.calls[breaker] if when <= at]
        return known[-1] if known else Calls()

    def alerts(self) -> int:
        """Return the number of alerts at OpsGenie."""
        return len(self.of(OPSGENIE, "create"))


def run(incident: Incident, folder: Path) -> Story:
    """Run an incident."""
    with pytest.MonkeyPatch.context() as patch, made_world(incident.title, folder, patch) as world:
        incident.script(world)
        return Story(
            incident,
            world.render(),
            world.delivered,
            world.states,
            _calls(world),
            {each.name: each.open_alerts() for each in world.receivers.values()},
            [problem for each in world.receivers.values() for problem in each.problems],
        )


def figures(pattern: str, text: str) -> list[float]:
    """Return the numbers that a pattern with one group finds."""
    return [float(found.replace(",", "")) for found in re.findall(pattern, text)]


def _calls(world: World) -> dict[str, list[tuple[float, Calls]]]:
    every: dict[str, dict[float, list[Calls]]] = {}
    for at, name, calls in world.calls:
        every.setdefault(name, {}).setdefault(at, []).append(calls)
    return {
        name: [
            (
                at,
                Calls(
                    sum(each.made for each in parts),
                    sum(each.rejected for each in parts),
                    sum(each.ok for each in parts),
                    sum(each.failed for each in parts),
                ),
            )
            for at, parts in times.items()
        ]
        for name, times in every.items()
    }
