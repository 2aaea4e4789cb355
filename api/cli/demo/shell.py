"""Run `breakerd` commands against the demo's service, and show them as a person would type them."""

import asyncio
import os
import shlex
import sys

from rich.console import Console

from breakerd.api.cli.demo.observer import DemoError
from breakerd.api.cli.demo.processes import Service
from breakerd.api.cli.output import plain


class Shell:
    """Print and run commands against one service. To be used in one event loop.

    Args:
        console: where to print.
        service: the service that the commands ask.
    """

    def __init__(self, console: Console, service: Service) -> None:
        self._console = console
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("BREAKERD_", "OPSGENIE_"))}
        self._environment = kept | {
            "BREAKERD_URL": service.url,
            "BREAKERD_TOKEN": service.token,
            "COLUMNS": str(console.width),
        }

    async def run(self, *arguments: str, shown: int = 20) -> str:
        """Run `breakerd` with these arguments; print the command and what it prints, and return it.

        Args:
            arguments: the command's.
            shown: maximum number of lines to print.

        Raises:
            DemoError: the command failed.
        """
        command = shlex.join(["breakerd", *arguments])
        self._console.print(f"[bold]$ {plain(command)}[/]")
        process = await asyncio.create_subprocess_exec(
            # -P: a `breakerd` in the current folder must not be imported.
            *[sys.executable, "-P", "-m", "breakerd", *arguments],
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self._environment,
        )
        try:
            output, errors = await process.communicate()
        except asyncio.CancelledError:
            process.kill()
            await process.wait()
            raise
        if process.returncode:
            raise DemoError(f"{command}: {errors.decode().strip()}")
        text = output.decode()
        self._show(text.splitlines(), shown)
        return text

    def _show(self, lines: list[str], shown: int) -> None:
        for line in lines[:shown]:
            self._console.print(f"  {plain(line)}")
        if len(lines) > shown:
            self._console.print(f"  … and {len(lines) - shown} lines more")
