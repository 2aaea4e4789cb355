"""Get each answer from an option, from a person at a terminal, or from its default."""

from collections.abc import Callable
from typing import Final, TypeVar

import typer

from breakerd.api.cli.output import USAGE_ERROR, err, fail, plain

T = TypeVar("T")

ABORTED: Final = 130
"""Exit code after Ctrl-C, as shells have it."""


class Questions:
    """Ask for what the options leave open.

    Args:
        asks: True if a person is there to be asked; False: defaults are taken.
    """

    def __init__(self, *, asks: bool) -> None:
        self._asks = asks

    def get(
        self,
        option: str,
        given: str | None,
        question: str,
        check: Callable[[str], T],
        default: str | None = None,
    ) -> T:
        """Return an answer that `check` takes.

        Args:
            option: the option that gives it.
            given: its value; None if it was left out.
            question: what to ask; empty: a person is not asked.
            check: returns the answer, or raises ValueError with what is allowed.
            default: what is taken without an answer; None if there must be one.
        """
        if given is None and self._asks and question:
            return self._ask(question, check, default)
        text = default if given is None else given
        if text is None:
            fail(f"{option} is needed: there is nobody to ask, and no default", USAGE_ERROR)
        try:
            return check(text)
        except ValueError as error:
            fail(f"{option}: found {text!r}; allowed: {error}", USAGE_ERROR)

    def _ask(self, question: str, check: Callable[[str], T], default: str | None) -> T:
        """Ask until an answer is right; a wrong one is told at once."""
        while True:
            text = _read_line(question, default)
            try:
                return check(text)
            except ValueError as error:
                err.print(f"  {plain(f'found {text!r}; allowed: {error}')}")


def _read_line(question: str, default: str | None) -> str:
    hint = f" [{default}]" if default else ""
    try:
        typer.echo(f"{question}{hint}: ", nl=False, err=True)
        line = input()
    except (EOFError, KeyboardInterrupt):
        err.print("\naborted: nothing was written")
        raise typer.Exit(ABORTED) from None
    return line.strip() or default or ""
