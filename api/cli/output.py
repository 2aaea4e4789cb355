"""Print results to the standard output and errors to the standard error."""

from typing import Final, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from breakerd.breaker.errors import ConfigError

FAILURE: Final = 1
"""Exit code of a command that failed."""
USAGE_ERROR: Final = 2
"""Exit code of wrong usage or configuration."""

out: Final = Console(highlight=False, soft_wrap=True)
err: Final = Console(stderr=True, highlight=False, soft_wrap=True)


def fail(message: str, code: int = FAILURE) -> NoReturn:
    """Print one line to the standard error, and exit with `code`."""
    err.print(escape(f"breakerd: {message}"))
    raise typer.Exit(code)


def show_problems(error: ConfigError) -> None:
    """Print each problem of a configuration file on a line of its own."""
    for problem in error.problems:
        err.print(escape(str(problem)))
