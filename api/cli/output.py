"""Print results to the standard output and errors to the standard error."""

from collections.abc import Iterable
from typing import Final, NoReturn

import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
from rich.segment import Segment

from breakerd.breaker.encoding.printable import printable, printable_json, printable_lines
from breakerd.breaker.errors import ConfigError

FAILURE: Final = 1
"""Exit code of a command that failed."""
USAGE_ERROR: Final = 2
"""Exit code of wrong usage or configuration."""


class TerminalConsole(Console):
    """Console that sends no control characters of a text to the terminal, only its own."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Yield the segments of `renderable`, with control characters shown as escapes."""
        for segment in super().render(renderable, options):
            yield (
                segment if segment.control else segment._replace(text=printable_lines(segment.text))
            )


out: Final = TerminalConsole(highlight=False, soft_wrap=True)
err: Final = TerminalConsole(stderr=True, highlight=False, soft_wrap=True)


def plain(text: str) -> str:
    """Return a text of others for `out` and `err`: on one line, and without meaning for rich."""
    return escape(printable(text))


def print_line(text: str) -> None:
    """Print one line for programs, which rich would wrap and colour."""
    print(printable(text), flush=True)  # noqa: T201 - for programs


def print_lines(blocks: Iterable[str]) -> None:
    """Print text such as TOML, each block beginning on a line of its own."""
    print("\n".join(map(printable_lines, blocks)))  # noqa: T201 - rich would wrap it


def print_json(value: object) -> None:
    """Print `value` as JSON on one line, control characters escaped."""
    print(printable_json(value))  # noqa: T201 - for programs


def fail(message: str, code: int = FAILURE) -> NoReturn:
    """Print one line to the standard error, and exit with `code`."""
    err.print(f"breakerd: {plain(message)}")
    raise typer.Exit(code)


def show_problems(error: ConfigError) -> None:
    """Print each problem of a configuration file on a line of its own."""
    for problem in error.problems:
        err.print(plain(str(problem)))
