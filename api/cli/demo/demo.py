"""`breakerd demo`: show a whole incident in about a minute, with real processes and requests.

Every line of the closing table was read from the admin plane or from the OpsGenie emulator; none
shows what this program did or expected.
"""

import asyncio
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from breakerd.api.cli.demo.load import REQUESTS_PER_SECOND, send_load
from breakerd.api.cli.demo.observer import DemoError, Observer
from breakerd.api.cli.demo.processes import KEY, Service, start_emulator, start_service
from breakerd.api.cli.demo.signals import ended_by_signals
from breakerd.api.cli.demo.timeline import timeline
from breakerd.api.cli.output import fail

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
    Step("healthy", (40,), lambda w: w.healthy_calls >= REQUESTS_PER_SECOND * 5),
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
            ended_by_signals(),
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


async def _incident(console: Console, service: Service, emulator: str, pace: float) -> int:
    async with Observer(service.url, emulator, KEY, service.token) as observer:
        async with send_load(observer):
            missing = await _play_all(console, observer, pace)
        await observer.count_calls()
    console.print(timeline(observer))
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


def _progress(console: Console) -> Progress:
    return Progress(
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
    )
