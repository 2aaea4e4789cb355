"""Extras: name the one that is missing where a module of it is needed."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def extra(name: str, part: str, otherwise: str = "") -> Iterator[None]:
    """Import within this context what an extra installs.

    Args:
        name: the extra, as in `pip install 'breakerd[NAME]'`.
        part: what needs it.
        otherwise: what can be done in place of installing it.

    Raises:
        ImportError: a module is not installed; it names the extra.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "breakerd":
            raise
        advice = f"pip install 'breakerd[{name}]'" + (f", or {otherwise}" if otherwise else "")
        raise ImportError(
            f"{part} needs the extra '{name}' ({error.name} is not installed): {advice}",
            name=error.name,
        ) from error
