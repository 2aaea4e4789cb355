"""`breakerd demo`: show a whole incident in about a minute, with real processes and requests.

Every line of the closing table was read from the admin plane or from the OpsGenie emulator; none
shows what this program did or expected.
"""

import asyncio
import contextlib
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Final

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from breakerd.api.cli.demo.observer import DemoError, Observer
from breakerd.api.cli.demo.processes import KEY, Service, start_emulator, start_service
from breakerd.api.cli.output import fail, plain

_REQUESTS_PER_SECOND: Final = 25
"""Requests per second."""
_STEP_TIMEOUT: Final = 45.0
"""Seconds after which a step has failed, at any pace."""


@dataclass(frozen=True)
class Step:
    """One step: the delays to set, and what must be observed then."""

    name: str
    delays_ms: tuple[int, ...]
    """Delays of the protected endpoint in milliseconds; at pace 1 each lasts three seconds."""
    observed: Callable[[Observer], bool]


STEPS: Final = (
    Step("healthy", (40,), lambda w: w.healthy_calls >= _REQUESTS_PER_SECOND * 5),
    Step("slow ramp, until it trips", (80, 160, 240, 320, 400), lambda w: w.entered("OPEN")),
    Step("initial alert", (400,), lambda w: w.alert_showed("P3")),
    Step("escalation", (400,), lambda w: w.alert_showed("P1")),
    Step("recovery", (40,), lambda w: w.recovered),
    Step("alert closed", (40,), lambda w: w.alert_showed("closed")),
)


def run_demo(console: Console, pace: float) -> int:
    """Run the demo, and end its processes in any case. To be called in the main thread.

    Args:
        console: where to print.
        pace: speed; 2 is twice as fast.

    Returns:
        0, or 1 if a step was not observed in time.

    Raises:
        typer.Exit: with 1, after an interrupt or an error of one of the processes.
    """
    try:
        with (
            _ended_by_signals(),
            tempfile.TemporaryDirectory(prefix="breakerd-demo-") as name,
            start_emulator(Path(name)) as emulator,
            start_service(Path(name), emulator, pace) as service,
            asyncio.Runner() as runner,
        ):
            runner.get_loop()  # make the loop before the URLs invite an interrupt
            link = service.dashboard if console.is_terminal else service.url
            console.print(f"service   {link}  (dashboard)")
            console.print(f"emulator  {emulator}  (what on-call sees)")
            return runner.run(_incident(console, service, emulator, pace))
    except KeyboardInterrupt:
        fail("the demo was interrupted")
    except DemoError as error:
        fail(str(error))


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Make SIGTERM end the demo in order, as Ctrl-C does.

    A process that a shell starts in the background ignores SIGINT; the handler is set for it too.
    """

    def interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - signature of handlers
        signal.raise_signal(signal.SIGINT)

    before = {
        signal.SIGINT: signal.signal(signal.SIGINT, signal.default_int_handler),
        signal.SIGTERM: signal.signal(signal.SIGTERM, interrupt),
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


async def _incident(console: Console, service: Service, emulator: str, pace: float) -> int:
    async with Observer(service.url, emulator, KEY, service.token) as observer:
        async with _send_load(observer):
            missing = await _play_all(console, observer, pace)
        await observer.count_calls()
    console.print(_table(observer))
    if missing:
        console.print(f"[red]not seen in time: {', '.join(missing)}[/]")
        return 1
    return 0


async def _play_all(console: Console, observer: Observer, pace: float) -> list[str]:
    """Run the steps in turn; return the names of those that were not observed."""
    with _progress(console) as progress:
        for number, step in enumerate(STEPS):
            task = progress.add_task(step.name, total=1)
            if not await _play(step, observer, pace):
                return [step.name for step in STEPS[number:]]
            progress.update(task, completed=1)
            if not console.is_terminal:
                console.print(f"seen: {step.name}")
    return []


async def _play(step: Step, observer: Observer, pace: float) -> bool:
    """Set the delays until the step is observed; return False after `_STEP_TIMEOUT`."""
    began, delays = time.monotonic(), list(step.delays_ms)
    change_at = began
    while time.monotonic() - began < _STEP_TIMEOUT:
        if delays and time.monotonic() >= change_at:
            await observer.set_delay(delays.pop(0))
            change_at = time.monotonic() + 3 / pace
        await observer.poll()
        if step.observed(observer):
            return True
        await asyncio.sleep(0.1)
    return False


@contextlib.asynccontextmanager
async def _send_load(observer: Observer) -> AsyncIterator[None]:
    """Send requests at a steady rate, as a service's users do."""

    async def send_all() -> None:
        async with asyncio.TaskGroup() as calls:
            while True:
                calls.create_task(observer.send_request())
                await asyncio.sleep(1 / _REQUESTS_PER_SECOND)

    task = asyncio.create_task(send_all())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _progress(console: Console) -> Progress:
    return Progress(
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
    )


def _table(observer: Observer) -> Table:
    table = Table(title="What happened", title_justify="left")
    for name in ("time", "after", "what", "read from"):
        table.add_column(name, justify="right" if name == "after" else "left", overflow="fold")
    rows = sorted(observer.rows, key=lambda row: row.at)
    for row in rows:
        at = datetime.fromtimestamp(row.at, UTC).astimezone().strftime("%H:%M:%S")
        table.add_row(at, f"{row.at - rows[0].at:.1f} s", plain(row.what), plain(row.source))
    return table
