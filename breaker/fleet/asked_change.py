"""Change of settings that somebody asks for: by whom, and which revisions it has become."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from breakerd.breaker.config.toml.scan import Key


@dataclass
class AskedChange:
    """One request to change settings.

    Attributes:
        by: name of whoever asks.
        keys: settings that were changed, and that hosts share.
        kept: settings that were changed, and are this host's alone.
        digest: hash of this process's settings before the change.
    """

    by: str
    keys: set[Key] = field(default_factory=set)
    kept: set[Key] = field(default_factory=set)
    digest: str = ""


_ASKED: ContextVar[AskedChange | None] = ContextVar("breakerd_asked_change", default=None)


@contextmanager
def asked_by(name: str) -> Iterator[AskedChange]:
    """Name who asks for the changes of settings in the block; what they become is filled in."""
    asked = AskedChange(name)
    token = _ASKED.set(asked)
    try:
        yield asked
    finally:
        _ASKED.reset(token)


def present_change() -> AskedChange:
    """Return the change that is going on in this thread; one by nobody, if nobody is named."""
    return _ASKED.get() or AskedChange("")
