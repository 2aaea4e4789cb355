"""One service with breakers, its callers and its alerting, on one simulated clock."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from math import inf
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pytest

from breakerd import Alerting, Breaker, Event, Registry, State
from breakerd.alerts.emulator import Emulator
from breakerd.alerts.settings.alerting import read_settings
from breakerd.breaker.config.document import read_document
from breakerd.breaker.host.load import LoadReading
from breakerd.breaker.testing import ManualClock
from tests.golden.delivered import Delivered
from tests.golden.emulated import EmulatedReceiver
from tests.golden.notifications import LIMITS, notifications
from tests.golden.posted import PagerDuty, PostedReceiver, SlackApi, SlackWebhook, Webhook
from tests.golden.traffic import Calls, Dependency, Traffic
from tests.golden.transcript import Transcript

EPOCH: Final = 1_800_000_000.0
"""Time at which every incident begins: 15 January 2027, 08:00:00 UTC."""
_START: Final = 1_000_000.0
"""The same by the clock of the breakers."""
_KEY: Final = "test-key"
_WAKING: Final = 0.05
"""Seconds from an event to the round of alerting that it begins."""
_ROUND: Final = 0.25
"""Seconds that a round takes: about a request to each receiver."""

_RECEIVERS: Final = """
[opsgenie]
enabled = true
api_key = "{key}"
api_url = "{opsgenie}"
team = "payments"
environment = "prod"
bookmaker_id = "b1"
hostname = "box"

[alerts.receivers.jsm.events]
key = "{key}"
api_url = "{jsm}"

[alerts.receivers.jsm_ops.user]
cloud_id = "cloud"
user = "bot@example.com"
key = "{key}"
api_url = "{jsm_ops}"

[alerts.receivers.slack.hook]
url = "{slack}/services/T000/B000/secret"

[alerts.receivers.slack.bot]
token = "xoxb-000000000000-secret"
channel = "C0123456789"
api_url = "{slack_api}"

[alerts.receivers.pagerduty.service]
key = "0123456789abcdef0123456789abcdef"
api_url = "{pagerduty}"

[alerts.receivers.webhook.plain]
url = "{webhook}/alerts"
"""
"""Receivers of every incident; each address is that of an emulator, or of a double."""


class Process:
    """One process of the service: registry, callers, alerting.

    Args:
        world: the world it is in.
        path: its configuration file.
        number: number of the process.
    """

    def __init__(self, world: World, path: Path, number: int = 1) -> None:
        self.world = world
        self.registry = Registry.from_file(
            path,
            watch=False,
            clock=world.clock,
            memory=lambda: world.memory,
            load=lambda: world.load,
        )
        self.traffic = Traffic(world.clock, self.wake)
        settings = read_settings(read_document(path), {})
        self.alerting = Alerting(self.registry, settings, now=world.now)
        self.alerting.start()
        self.alerting._runtime.observer._process = f"box:{number}"
        self._due = inf
        self._ready_at = 0.0
        self.registry.subscribe(self._notice)

    def wake(self) -> None:
        """Run a round of alerting if a breaker has told something, as its thread would."""
        if self.world.clock.now >= self._due:
            self.run_round()

    def run_round(self) -> None:
        self._due, self._ready_at = inf, self.world.clock.now + _ROUND
        self.world.observe(self)
        self.alerting.run_once()

    def _notice(self, _event: Event) -> None:
        self._due = min(self._due, max(self._ready_at, self.world.clock.now + _WAKING))

    def die(self) -> None:
        """End as if killed: nothing is told any more, and the system frees its locks."""
        self.alerting._runtime.pipeline.close()
        self.alerting._runtime.store.close()


class World:
    """Service that a script of an incident acts on. Everything happens in steps of one second.

    Attributes:
        clock: clock of the breakers; see `now` for the time of day.
        memory: used share of the memory limit, 0 to 1.
        load: load of the machine.
        delivered: what receivers got, in order.
        states: (time, state, what it would be) of each breaker, at each round.
        calls: (time, breaker, calls until then) of each process, once a second.
    """

    def __init__(self, title: str, folder: Path) -> None:
        self.clock = ManualClock(_START)
        self.memory = 0.2
        self.load = LoadReading()
        self.delivered: list[Delivered] = []
        self.states: dict[str, list[tuple[float, str, str]]] = {}
        self.calls: list[tuple[float, str, Calls]] = []
        self.processes: list[Process] = []
        self.transcript = Transcript(title, EPOCH)
        self.settings = ""
        self._folder = folder
        self._stack = ExitStack()
        emulators = {
            "opsgenie": self._emulator("opsgenie"),
            "jsm": self._emulator("jsm"),
            "jsm_ops": self._emulator("jsm"),
        }
        self.emulated = {
            name: EmulatedReceiver(name.replace("_", "-"), emulator)
            for name, emulator in emulators.items()
        }
        self.posted: dict[str, PostedReceiver] = {
            "slack": SlackWebhook("slack", self.now),
            "slack_api": SlackApi("slack-api", self.now),
            "pagerduty": PagerDuty("pagerduty", self.now),
            "webhook": Webhook("webhook", self.now),
        }
        for double in self.posted.values():
            self._stack.enter_context(double)

    def now(self) -> float:
        """Return the time in seconds since the epoch."""
        return EPOCH - _START + self.clock.now

    def close(self) -> None:
        for process in self.processes:
            process.alerting.close()
        self._stack.close()

    def _emulator(self, mode: Any) -> Emulator:
        emulator = Emulator(mode=mode, api_keys={_KEY}, delay=0.0, clock=self.now)
        return self._stack.enter_context(emulator)

    # --- the service

    def start(self, settings: str, *, processes: int = 1, before: float = 60.0) -> None:
        """Start the service: processes on one file, with these settings beside the receivers.

        Args:
            settings: sections of the file.
            processes: number of processes.
            before: seconds that it has run when the transcript begins; see `warm_up`.
        """
        self.clock.now = _START - before
        self.settings = settings
        path = self._folder / "breakers.toml"
        urls = {name: each.url for name, each in self.receivers.items()}
        receivers = _RECEIVERS.format(key=_KEY, **urls)
        path.write_text(_merged(settings, receivers, str(self._folder / "breakerd.db")))
        self.processes = [Process(self, path, number + 1) for number in range(processes)]

    @property
    def alerting(self) -> Alerting:
        return self.processes[0].alerting

    def breaker(self, name: str, process: int = 0) -> Breaker:
        return self.processes[process].registry.get(name)

    def callers(self, name: str, *, process: int = 0, **how: Any) -> Dependency:
        """Let callers come to a breaker, from now on."""
        running = self.processes[process]
        return running.traffic.add(Dependency(running.registry.get(name), **how))

    def restart(self, down: float) -> None:
        """Kill the first process, and start it again `down` seconds later, from its snapshot."""
        before = self.processes[0]
        saved = {breaker.name: breaker.snapshot() for breaker in before.registry}
        before.die()
        self.clock.advance(down)
        after = Process(self, self._folder / "breakers.toml")
        self.processes[0] = after
        for name, snapshot in saved.items():
            after.registry.get(name).restore(snapshot)
        for name, old in before.traffic.dependencies.items():
            how = {key: getattr(old, key) for key in _CARRIED}
            after.traffic.add(Dependency(after.registry.get(name), **how))

    # --- time

    def say(self, what: str) -> None:
        """Write what is done now into the transcript."""
        self.transcript.script.append((self.now(), what))

    def warm_up(self) -> None:
        """Let ordinary calls pass, until the transcript begins."""
        self.run(_START - self.clock.now, rounds_every=10)

    def run(self, seconds: float, *, rounds_every: int = 1) -> None:
        """Let time pass: calls, and each second a round of alerting in each process."""
        for passed in range(1, round(seconds) + 1):
            start = self.clock.now
            for process in self.processes:
                self.clock.now = start
                process.wake()
                process.traffic.run(1.0)
            if passed % rounds_every == 0:
                self._round()
            self._observe()

    def _round(self) -> None:
        for process in self.processes:
            process.run_round()
        for each in self.receivers.values():
            self.delivered += each.take()

    def observe(self, process: Process) -> None:
        """Keep the present states, to compare what is told with them."""
        for name, dependency in process.traffic.dependencies.items():
            breaker = dependency.breaker
            would_be = breaker.status()["would_be_state"] if breaker.state is State.OBSERVE else ""
            seen = (self.now(), breaker.state.value, would_be or "")
            self.states.setdefault(name, []).append(seen)

    def _observe(self) -> None:
        """Keep what really happens."""
        for process in self.processes:
            self.observe(process)
            for name, dependency in process.traffic.dependencies.items():
                self.calls.append((self.now(), name, dependency.calls))

    def run_until(self, reached: Callable[[], bool], limit: float = 600.0) -> float:
        """Let time pass until `reached`; return the seconds it took."""
        for passed in range(round(limit)):
            if reached():
                return float(passed)
            self.run(1)
        pytest.fail(f"not reached within {limit:g} s")

    # --- receivers

    @property
    def opsgenie(self) -> EmulatedReceiver:
        return self.emulated["opsgenie"]

    @property
    def receivers(self) -> dict[str, EmulatedReceiver | PostedReceiver]:
        return {**self.emulated, **self.posted}

    def cut_network(self) -> None:
        """Make every receiver fail."""
        for each in self.receivers.values():
            each.fail()

    def mend_network(self) -> None:
        for each in self.receivers.values():
            each.heal()

    # --- the result

    def of(self, receiver: str) -> list[Delivered]:
        return [each for each in self.delivered if each.receiver == receiver]

    def render(self) -> str:
        """Return the golden file."""
        counts = notifications(self.delivered)
        shown = [
            f"{receiver} {'+'.join(map(str, counts[receiver].values())) or 0}"
            for receiver in LIMITS
        ]
        return self.transcript.render(self.settings, self.delivered, ", ".join(shown))


_CARRIED: Final = (
    *("rate", "ms", "failing", "error_ms", "hangs", "workers", "timeout"),
    *("made", "rejected", "ok", "failed"),
)
"""State of a dependency, kept over a restart of its callers."""


def _merged(settings: str, receivers: str, database: str) -> str:
    """Return one TOML file; `[alerts]` and `[opsgenie]` may stand in both parts."""
    own: dict[str, list[str]] = {"": []}
    section = ""
    for line in [*settings.strip().splitlines(), *receivers.strip().splitlines()]:
        if line.startswith("["):
            section = line.strip()
            own.setdefault(section, [])
        else:
            own[section].append(line)
    extra = [f'database = "{database}"', "attach_chart = false"]
    own["[alerts]"] = [*extra, *own.get("[alerts]", [])]
    return "\n".join("\n".join([head, *lines]) for head, lines in own.items())


@contextmanager
def made_world(title: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Make a world, whose time is the time of day for everything in this process, too."""
    world = World(title, folder)
    monkeypatch.setattr("time.time", world.now)
    # Pauses between attempts are spread by chance, which a transcript must not show.
    seeded = SimpleNamespace(Random=lambda: random.Random(1))
    monkeypatch.setattr("breakerd.alerts.delivery.retry.random", seeded)
    try:
        yield world
    finally:
        world.close()
