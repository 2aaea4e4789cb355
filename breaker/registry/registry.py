"""Registry of the named breakers of a process, and of their configuration file."""

import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from os import PathLike
from typing import Self, Unpack

from breakerd.breaker.breaker import Breaker
from breakerd.breaker.config.config_file import ConfigFile
from breakerd.breaker.config.document import Document
from breakerd.breaker.config.sections import (
    DEFAULT,
    FOREIGN_SECTIONS,
    NAME_ALLOWED,
    has_table,
    read_sections,
    valid_name,
)
from breakerd.breaker.config.settings_change import SettingsChange
from breakerd.breaker.config.tolerated import WarningLog
from breakerd.breaker.config.toml.scan import Key
from breakerd.breaker.config.validation_cache import ValidationCache
from breakerd.breaker.events.listeners import Listener
from breakerd.breaker.events.stream import EventStream
from breakerd.breaker.fork import ProcessLock
from breakerd.breaker.guards.rules import RuleArguments, Rules
from breakerd.breaker.host.load import LoadReading
from breakerd.breaker.registry.background import Background, NotRunning
from breakerd.breaker.registry.config_report import report
from breakerd.breaker.registry.restored import RestoredSnapshots
from breakerd.breaker.registry.subscriptions import Subscriptions
from breakerd.breaker.settings import Settings


class Registry:
    """Breakers by name. Thread-safe; iterates over existing breakers in order of creation.

    The breaker `default` always exists. Nothing runs in the background until the first use in a
    process: a call or an operator's command on any breaker, or `use`. A forked child starts at its
    own first use. `start`, or `with`, starts at once; after `close` only these start it again.

    Args:
        settings: settings of every breaker without its own.
        breakers: settings of single breakers, which are created at once.
        clock: clock of all breakers; see `Breaker`.
        memory: memory reader of all breakers; see `Breaker`.
        load: load reader of all breakers; see `Breaker`.
        rules: what counts as a failure, for each breaker; see `Breaker`.

    Raises:
        TypeError: a rule is of no use as what it is given for.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        breakers: Mapping[str, Settings] | None = None,
        clock: Callable[[], float] = time.monotonic,
        memory: Callable[[], float | None] | None = None,
        load: Callable[[], LoadReading] | None = None,
        **rules: Unpack[RuleArguments],
    ) -> None:
        self.config: ConfigFile | None = None
        """The file the settings come from; None if there is none."""
        self._clock = clock
        self._memory = memory
        self._load = load
        self._rules = Rules(**rules)
        self._lock = ProcessLock()
        self._change_lock = ProcessLock()
        """Held while settings change; acquired before `_lock`, never inside it."""
        self._root = settings or Settings()
        self._named = dict(breakers or {})
        self._breakers: dict[str, Breaker] = {}
        self._subscriptions = Subscriptions()
        self._background = Background(self.__iter__, clock)
        self._restored = RestoredSnapshots()
        self._cache = ValidationCache()
        self._warnings = WarningLog(__name__)
        self.on_created: Callable[[Breaker], None] = lambda _breaker: None
        """Hook that is called with each new breaker before its first call; holds no lock."""
        for name in (DEFAULT, *self._named):
            self.get(name)

    @classmethod
    def from_file(
        cls,
        path: str | PathLike[str],
        *,
        watch: bool = True,
        clock: Callable[[], float] = time.monotonic,
        memory: Callable[[], float | None] | None = None,
        load: Callable[[], LoadReading] | None = None,
        **rules: Unpack[RuleArguments],
    ) -> Self:
        """Create the breakers of a TOML file.

        A watched file is followed from the first use on, and read again then if it has changed.

        Raises:
            ConfigError: the file is missing or invalid; holds every problem found.
        """
        config = ConfigFile(path)
        cache = ValidationCache()
        sections = read_sections(config.document, cache)
        registry = cls(
            sections.root, breakers=sections.named, clock=clock, memory=memory, load=load, **rules
        )
        registry.config, registry._change_lock, registry._cache = config, config.lock, cache
        for breaker in registry:
            registry._bind_config(breaker)
        config.subscribe(registry)
        if watch:
            registry._background.follow(config)
        return registry

    def get(self, name: str = DEFAULT, **rules: Unpack[RuleArguments]) -> Breaker:
        """Return the breaker of that name; create it on first use.

        Rules that are given are that breaker's from now on, whether it existed or not.

        Raises:
            ValueError: the name is not 1 to 100 ASCII letters, digits, `.`, `_`, `-`.
            TypeError: a rule is of no use as what it is given for.
        """
        breaker = self._get(name)
        if rules:
            breaker.rules = breaker.rules.replaced(rules)
        return breaker

    def _get(self, name: str) -> Breaker:
        with self._lock:
            if name in self._breakers:
                return self._breakers[name]
            if not valid_name(name):
                raise ValueError(f"{name!r} cannot name a breaker: {NAME_ALLOWED}")
            breaker = Breaker(
                self.settings_for(name),
                name=name,
                clock=self._clock,
                memory=self._memory,
                load=self._load,
            )
            breaker.rules = self._rules
            self._bind_config(breaker)
            self._background.adopt(breaker)
            self._subscriptions.include(breaker)
            self._breakers[name] = breaker
        self._restored.claim(breaker)
        self.on_created(breaker)
        return breaker

    def replace_rules(self, **rules: Unpack[RuleArguments]) -> None:
        """Replace the rules of all breakers but those that were given rules of their own."""
        with self._lock:
            known, self._rules = self._rules, Rules(**rules)
            for breaker in self:
                breaker.rules = self._rules if breaker.rules is known else breaker.rules

    def find(self, name: str) -> Breaker | None:
        """Return the breaker of that name; None if it does not exist."""
        return self._breakers.get(name)

    def names(self) -> list[str]:
        """Return the names of all existing breakers."""
        return list(self._breakers)

    def __iter__(self) -> Iterator[Breaker]:
        return iter(list(self._breakers.values()))

    def __len__(self) -> int:
        return len(self._breakers)

    def __contains__(self, name: object) -> bool:
        return name in self._breakers

    def settings_for(self, name: str) -> Settings:
        """Return the settings that the breaker of that name has, or would have."""
        with self._lock:
            root = self._root if name == DEFAULT else self._root.without_candidate()
            return self._named.get(name, root)

    def change(self, name: str, values: Mapping[str, object]) -> Settings:
        """Change settings of one breaker: check them, apply them, and write them to the file.

        Args:
            name: existing breaker. A change of `default` is a change at the root of the file, and
                so applies to every breaker that does not override it. Without a file, a breaker of
                another name no longer follows the root once it was changed.
            values: by the names of the file, dotted for those in tables ("recovery.probes"). None
                removes a setting from the file; a breaker with its own table then uses the value
                of the root, any other the default.

        Returns:
            The active settings.

        Raises:
            KeyError: no breaker has this name.
            ConfigError: a value is invalid; nothing was changed.
            ConfigConflictError: the file cannot be edited as it is written, or somebody has been
                saving it for 1.5 s; nothing was changed.
            ConfigWriteError: the change is active, but could not be written to the file.
        """
        breaker = self._breakers[name]
        change = SettingsChange(values)
        if self.config is not None:
            self.config.change(partial(self.file_changes, name, change))
            return breaker.settings
        with self._change_lock:
            self._change_in_memory(name, change.apply_to(breaker.settings))
            return breaker.settings

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with the events of all breakers, including later ones; see `Breaker`.

        Return a function that unsubscribes it.
        """
        with self._lock:
            end = self._subscriptions.add(listener, self)
        return partial(self._unsubscribe, end)

    def events(self, maxsize: int = 1000) -> EventStream:
        """Return a stream of the events of all breakers from now on."""
        return EventStream(self.subscribe, maxsize)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the state of all breakers to a file, for `restore`; atomic.

        Raises:
            OSError: it cannot be written; the file is unmodified.
        """
        self._restored.write(path, self)

    def restore(self, path: str | PathLike[str]) -> None:
        """Restore what `save` wrote: now, or when a breaker of that name is created.

        Call it before the first calls; a breaker that an operator has commanded in this process is
        left as it is. A missing file is ignored, and a damaged one is quarantined and logged.
        """
        self._restored.read(path, self)

    def owns(self, section: str) -> bool:
        """Return True for the root's keys, `[circuit_breaker]` and `[breakers]`."""
        return section not in FOREIGN_SECTIONS

    def prepare(self, document: Document) -> Callable[[], None]:
        """Check the breakers' sections; the step applies those that differ.

        Raises:
            ConfigError: every problem in them.
        """
        sections = read_sections(document, self._cache)

        def apply() -> None:
            with self._lock:
                self._root, self._named = sections.root, dict(sections.named)
            self._warnings.tell(sections.warnings)
            for name in sections.named:
                self.get(name)
            self._apply_to_all()

        return apply

    @property
    def on_first_use(self) -> Callable[[], None] | None:
        """Hook that the first use of any breaker calls, once in each process.

        In the thread of that use, which holds no lock: be quick. Exceptions are logged. By default
        it calls `start` on a thread of its own, if a file is to be watched.
        """
        return self._background.first_use.hook

    @on_first_use.setter
    def on_first_use(self, hook: Callable[[], None] | None) -> None:
        self._background.first_use.hook = hook

    def use(self) -> None:
        """Count as first use: for a request that is none of a breaker. Nothing after `close`."""
        self._background.use()

    def start(self) -> None:
        """Start what runs in the background, in this process, now; also after `close`.

        The file is read again if it has changed. Idempotent. What cannot be started is logged, told
        by `not_running`, and tried again every 5 s. A breaker that was closed itself stays closed.
        """
        self._background.start()

    def not_running(self) -> dict[str, str]:
        """Return what was asked for and does not run in this process, with a sentence each.

        `ticker`: time passes only with calls. `file`: edits of it are not followed. Others may be
        added by `report_not_running`. Also part of each breaker's `status()`.
        """
        return self._background.not_running()

    def report_not_running(self, part: NotRunning) -> None:
        """Have `not_running` tell also what `part` returns: parts by name, with a sentence each."""
        self._background.parts.append(part)

    def close(self) -> None:
        """Stop watching the file, and stop the background work of the breakers, until `start`."""
        self._background.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _unsubscribe(self, end: Callable[[], None]) -> None:
        with self._lock:
            end()

    def _bind_config(self, breaker: Breaker) -> None:
        breaker.not_running = self.not_running
        if self.config is not None:
            breaker.config_file = self.config.path
            breaker.config_report = partial(report, self.config)

    def _change_in_memory(self, name: str, changed: Settings) -> None:
        with self._lock:
            if name == DEFAULT and DEFAULT not in self._named:
                self._root = changed
            else:
                self._named[name] = changed
        self._apply_to_all()

    def file_changes(
        self, name: str, change: SettingsChange, document: Document
    ) -> Mapping[Key, object]:
        """Check a change against the document of the file; return its keys in it."""
        table = None if name == DEFAULT and not has_table(document, name) else name
        change.check(document, table, self._cache)
        return change.file_keys(document, table)

    def _apply_to_all(self) -> None:
        # Not under the lock: this calls listeners, which may ask for a breaker.
        for breaker in self:
            settings = self.settings_for(breaker.name)
            if not _is_same(breaker.settings, settings):
                breaker.apply(settings)


def _is_same(one: Settings, other: Settings) -> bool:
    # What is set explicitly counts, too: some defaults depend on it.
    return one is other or (one == other and one.model_fields_set == other.model_fields_set)
