"""One incident that has been run: what receivers got, beside what really happened."""

from __future__ import annotations

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

    def calls_between(self, start: float, end: float) -> Calls:
        """Return the calls of the breakers that the alert is about, in [start, end]."""
        parts = [
            _until(self.calls[name], end).since(_until(self.calls[name], start))
            for name in self.incident.breakers
        ]
        return _added(parts)

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


def _calls(world: World) -> dict[str, list[tuple[float, Calls]]]:
    every: dict[str, dict[float, list[Calls]]] = {}
    for at, name, calls in world.calls:
        every.setdefault(name, {}).setdefault(at, []).append(calls)
    return {
        name: [(at, _added(parts)) for at, parts in times.items()] for name, times in every.items()
    }


def _added(parts: list[Calls]) -> Calls:
    return Calls(
        sum(each.made for each in parts),
        sum(each.rejected for each in parts),
        sum(each.ok for each in parts),
        sum(each.failed for each in parts),
    )


def _until(known: list[tuple[float, Calls]], at: float) -> Calls:
    """Return the calls until a time, and up to a second more."""
    return next((calls for when, calls in known if when >= at), known[-1][1])
