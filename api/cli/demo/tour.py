"""`breakerd demo --tour`: from a bad threshold to a good one, in about two minutes.

The breaker keeps a record, proposes settings from it, tries them beside those in force, and an
operator promotes them. Everything that is shown was read from the running service, by the commands
that people type, or from the OpsGenie emulator.
"""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from breakerd.api.cli.demo.load import REQUESTS_PER_SECOND, send_load
from breakerd.api.cli.demo.observer import DemoError, Observer
from breakerd.api.cli.demo.processes import CONFIG, KEY, Service, start_emulator, start_service
from breakerd.api.cli.demo.shell import Shell
from breakerd.api.cli.demo.signals import ended_by_signals
from breakerd.api.cli.demo.timeline import timeline
from breakerd.api.cli.output import fail, plain

_GUESSED: Final = 2000
"""The bad threshold, in milliseconds."""
_HEALTHY_MS: Final = 40
_TROUBLE: Final = ((200, 0.0), (450, 0.2), (450, 0.4))
"""An incident: delays in milliseconds, and the share of calls that fail.

No delay exceeds the bad threshold, and fewer calls fail than the default `error_threshold` allows.
"""
_TROUBLE_STEP: Final = 2.0
"""Seconds of each of these, the last for longer."""
_HEALTHY_CALLS: Final = REQUESTS_PER_SECOND * 24
"""Calls before the first incident, so that most of the record is healthy."""
_STEP_TIMEOUT: Final = 60.0
"""Seconds after which something that is awaited has failed, at any pace."""
_CONDITION: Final = "trips >= 1 and extra_trips < 3"
TOUR_CONFIG: Final = CONFIG.replace(
    "latency_threshold = 300", f"latency_threshold = {_GUESSED}     # somebody guessed it"
)


def run_tour(console: Console, pace: float, report: Path | None) -> int:
    """Show the tour, and end its processes in any case. To be called in the main thread.

    Args:
        console: where to print.
        pace: speed; 2 is twice as fast.
        report: file for the report of the incident, which must not exist; None for a new one
            among the temporary files.

    Returns:
        0, or 1 if something was not observed in time.

    Raises:
        typer.Exit: with 1, after an interrupt or an error of one of the processes; with 2, if the
            file of the report exists.
    """
    target = _report_file(report)
    try:
        with (
            ended_by_signals(),
            tempfile.TemporaryDirectory(prefix="breakerd-demo-") as name,
            start_emulator(Path(name)) as emulator,
            start_service(Path(name), emulator, pace, TOUR_CONFIG) as service,
            asyncio.Runner() as runner,
        ):
            runner.get_loop()  # make the loop before the URLs invite an interrupt
            link = service.dashboard if console.is_terminal else service.url
            console.print(f"service   {link}  (dashboard)")
            console.print(f"emulator  {emulator}  (what on-call sees)")
            return runner.run(_show(console, service, emulator, pace, target))
    except KeyboardInterrupt:
        fail("the demo was interrupted")
    except DemoError as error:
        fail(str(error))


def _report_file(wanted: Path | None) -> Path:
    if wanted is None:
        return Path(tempfile.mkdtemp(prefix="breakerd-tour-")) / "incident.html"
    if wanted.exists():
        fail(f"--report {wanted}: the file exists; allowed: a new one", 2)
    return wanted


async def _show(
    console: Console, service: Service, emulator: str, pace: float, report: Path
) -> int:
    async with Observer(service.url, emulator, KEY, service.token) as observer:
        tour = Tour(console, observer, Shell(console, service), pace)
        async with send_load(observer):
            missing = await tour.run(report)
        await observer.count_calls()
    console.print(timeline(observer))
    if missing:
        console.print(f"[red]not seen in time: {missing}[/]")
        return 1
    return 0


class _NotSeenError(Exception):
    """Something that was awaited did not happen."""


class Tour:
    """Play the tour's chapters in turn.

    Args:
        console: where to print.
        observer: sets the delays, and reads the service and the emulator.
        shell: runs the commands.
        pace: speed; 2 is twice as fast.
    """

    def __init__(self, console: Console, observer: Observer, shell: Shell, pace: float) -> None:
        self._console = console
        self._observer = observer
        self._shell = shell
        self._pace = pace
        self._chapter = 0

    async def run(self, report: Path) -> str:
        """Play all; return the name of what was not seen in time, "" if all was seen."""
        try:
            await self._guess()
            await self._miss_an_incident()
            await self._read_the_record()
            await self._suggest()
            await self._try_in_the_shadow()
            await self._promote()
            await self._catch_an_incident()
            await self._look_back(report)
        except _NotSeenError as error:
            return str(error)
        return ""

    async def _guess(self) -> None:
        self._title("A guess", f"Nobody knows the right threshold. Somebody wrote {_GUESSED} ms.")
        await self._observer.set_delay(_HEALTHY_MS)
        await self._until("healthy calls", self._has_calls)

    async def _miss_an_incident(self) -> None:
        self._title(
            "An incident that nobody sees",
            "The dependency becomes ten times slower, then it fails.",
        )
        await self._go_wrong(_always, seconds=12)
        if self._observer.entered("OPEN"):
            raise _NotSeenError("an incident that is missed")
        self._say("The breaker stayed CLOSED, and nobody was paged.")
        await self._be_healthy(10)

    async def _read_the_record(self) -> None:
        self._title("The record", "But the breaker wrote down what it saw.")
        path = "/breaker/history?from=-15m&step=5"
        self._console.print(f"[bold]$ curl '…{path}'[/]")
        slots = (await self._observer.read(path))["slots"]
        for slot in slots[-8:]:
            self._say(_slot_line(slot))
        if not any((slot["p95_ms"] or 0) > _TROUBLE[0][0] for slot in slots):
            raise _NotSeenError("the incident in the record")

    async def _suggest(self) -> None:
        self._title("The suggestion", "It proposes settings from its own past.")
        await self._shell.run(
            *["suggest", "--history", "--since", "15m"],
            *["--as-candidate", "default", "--reason", "proposed by the record"],
            shown=40,
        )

    async def _try_in_the_shadow(self) -> None:
        self._title(
            "The shadow", "They run on the live calls, and reject nothing. It happens again."
        )
        await self._go_wrong(self._shadow_tripped, seconds=12)
        await self._be_healthy(8)
        await self._shell.run("shadow", "default")

    async def _promote(self) -> None:
        self._title("The promotion", "They would have caught it. An operator puts them in force.")
        self._say(f"(Rejected calls count as good up to {_GUESSED} ms: that is still in force.)")
        await self._shell.run("promote", "default", "--if", _CONDITION)
        if not self._observer.entered("OPEN"):
            return
        raise _NotSeenError("a promotion before the first trip")

    async def _catch_an_incident(self) -> None:
        self._title("The incident, caught", "It happens a third time.")
        await self._go_wrong(_async(lambda: self._observer.entered("OPEN")), seconds=3)
        await self._until("the first alert", self._alerted("P3"))
        await self._until("the escalation", self._alerted("P1"))
        self._say("It tripped; on-call was told at P3, and at P1 since it lasted.")
        await self._observer.set_delay(_HEALTHY_MS)
        await self._until("the recovery", _async(lambda: self._observer.recovered))
        await self._until("the end of the alert", self._alerted("closed"))
        self._say("It recovered by probes; the alert is closed.")

    async def _look_back(self, report: Path) -> None:
        self._title(
            "Looking back", "What changed, how to take it back, and the page for the review."
        )
        await self._shell.run("config", "log")
        await self._shell.run("config", "rollback", "1", "--dry-run")
        alerts = (await self._observer.read("/alerts"))["alerts"]
        await self._shell.run("incident", alerts[0]["id"], "--html", str(report))

    async def _go_wrong(self, seen: Callable[[], Awaitable[bool]], *, seconds: float) -> None:
        """Make the dependency slower and slower, then fail, for some time and until `seen`."""
        began, behaviours = time.monotonic(), list(_TROUBLE)
        while True:
            if behaviours:
                milliseconds, failure_rate = behaviours.pop(0)
                await self._observer.set_delay(milliseconds, failure_rate)
            await self._pass(_TROUBLE_STEP)
            if time.monotonic() - began >= seconds / self._pace and not behaviours:
                break
        await self._until("the incident", seen)

    async def _be_healthy(self, seconds: float) -> None:
        await self._observer.set_delay(_HEALTHY_MS)
        await self._pass(seconds)

    async def _pass(self, seconds: float) -> None:
        """Let some time pass under load, and go on reading."""
        until = time.monotonic() + seconds / self._pace
        while (left := until - time.monotonic()) > 0:
            await self._observer.poll()
            await asyncio.sleep(min(0.1, left))

    async def _until(self, what: str, seen: Callable[[], Awaitable[bool]]) -> None:
        began = time.monotonic()
        while not await seen():
            if time.monotonic() - began > _STEP_TIMEOUT:
                raise _NotSeenError(what)
            await self._observer.poll()
            await asyncio.sleep(0.1)

    async def _has_calls(self) -> bool:
        return self._observer.healthy_calls >= _HEALTHY_CALLS

    def _alerted(self, what: str) -> Callable[[], Awaitable[bool]]:
        return _async(lambda: self._observer.alert_showed(what))

    async def _shadow_tripped(self) -> bool:
        return bool((await self._observer.read("/breaker/shadow"))["candidate"]["trips"])

    def _title(self, name: str, text: str) -> None:
        self._chapter += 1
        self._console.print(f"\n[bold cyan]{self._chapter}. {name}[/]  {text}")

    def _say(self, text: str) -> None:
        self._console.print(f"  {plain(text)}")


async def _always() -> bool:
    return True


def _async(seen: Callable[[], bool]) -> Callable[[], Awaitable[bool]]:
    async def is_seen() -> bool:
        return seen()

    return is_seen


def _slot_line(slot: dict[str, Any]) -> str:
    at = datetime.fromtimestamp(slot["start"], UTC).astimezone().strftime("%H:%M:%S")
    p95 = "-" if slot["p95_ms"] is None else f"{slot['p95_ms']:.0f} ms"
    return (
        f"{at}  {slot['calls']:4} calls  p95 {p95:>8}  {slot['failures']:4} failed  {slot['state']}"
    )
