"""What a rule is, and what it sees of a configuration."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from breakerd.api.file_settings import FileSettings
from breakerd.breaker.config import Document, Key
from breakerd.breaker.config.sections import BREAKERS, LEGACY_ROOT
from breakerd.breaker.settings import Settings

if TYPE_CHECKING:
    from breakerd.breaker.record.reader import RecordReader


@dataclass(frozen=True, slots=True)
class Subject:
    """A valid configuration, and what surrounds it.

    Attributes:
        document: the file.
        settings: its settings, with the environment applied.
        environ: environment variables.
        now: seconds since the epoch.
        record: what the breakers of this host have seen; None: not looked at.
    """

    document: Document
    settings: FileSettings
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    now: float = field(default_factory=time.time)
    record: "RecordReader | None" = None

    def states(self, key: Key) -> bool:
        """Return True if the file has `key`."""
        table: object = self.document.data
        for part in key:
            if not isinstance(table, dict) or part not in table:
                return False
            table = table[part]
        return True


@dataclass(frozen=True, slots=True)
class Concern:
    """What a rule found.

    Attributes:
        text: what is unwise and what to do, as a sentence.
        keys: the keys of the file that it is about, the one to be shown first.
    """

    text: str
    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """A check of settings that are legal.

    Attributes:
        name: its name in output and in `# breakerd: allow NAME`.
        meaning: what it looks for and why, as one sentence for the list of rules.
        check: yields what it finds.
    """

    name: str
    meaning: str
    check: Callable[[Subject], Iterator[Concern]]


@dataclass(frozen=True, slots=True)
class BreakerScope:
    """The settings of one breaker, or those at the root of the file.

    Attributes:
        subject: the configuration.
        settings: the settings in force for it.
        name: its name; empty for the root.
    """

    subject: Subject
    settings: Settings
    name: str = ""

    def concern(self, text: str, *dotted: str) -> Iterator[Concern]:
        """Yield a concern about these settings, unless that of the root has told it.

        Nothing is told of settings that the file leaves at their defaults.
        """
        keys = [key for each in dotted if (key := self.where(each))]
        own = [key for key in keys if key[0] == BREAKERS]
        if self.name and own:
            rest = [key for key in keys if key not in own]
            yield Concern(text, (*own, *rest, (BREAKERS, self.name)))
        elif keys and not self.name:
            yield Concern(text, tuple(keys))

    def states(self, dotted: str) -> bool:
        """Return True if the file has this setting, for the breaker or at the root."""
        return self.where(dotted) is not None

    def where(self, dotted: str) -> Key | None:
        """Return the key at which the file has the value in force; None where it has none."""
        setting = tuple(dotted.split("."))
        tables: list[Key] = [(BREAKERS, self.name)] if self.name else []
        places = [(*table, *setting) for table in [*tables, (LEGACY_ROOT,), ()]]
        return next((key for key in places if self.subject.states(key)), None)


def per_breaker(
    check: Callable[[BreakerScope], Iterator[Concern]],
) -> Callable[[Subject], Iterator[Concern]]:
    """Return a check of the root and of each breaker with settings of its own."""

    def every(subject: Subject) -> Iterator[Concern]:
        sections = subject.settings.breakers
        yield from check(BreakerScope(subject, sections.root))
        for name, settings in sections.named.items():
            yield from check(BreakerScope(subject, settings, name))

    return every
