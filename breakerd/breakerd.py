"""Composition root: all that a configuration file asks for, in one process, by one object."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self, Unpack
from weakref import WeakValueDictionary

from breakerd.api.advice.following import AdviceSubscriber
from breakerd.api.file_settings import ApiSectionCheck, read_file
from breakerd.api.settings import ApiSettings
from breakerd.breaker.autosave import StateAutosaver
from breakerd.breaker.breaker import Breaker
from breakerd.breaker.config_log import ConfigLog
from breakerd.breaker.fork import ProcessLock
from breakerd.breaker.guards.rules import RuleArguments
from breakerd.breaker.registry import DEFAULT, Registry
from breakerd.config_part import make_config_log
from breakerd.extras import extra
from breakerd.fleet_part import FleetPart
from breakerd.history_part import HistoryPart
from breakerd.options import DEFAULTS, OTHERS, Options, rules_of
from breakerd.process_parts import Part, ProcessParts
from breakerd.shadow_part import make_keeper
from breakerd.sharing.fleet_record.fleet_record import make_fleet_record

if TYPE_CHECKING:
    from fastapi import APIRouter, FastAPI

    from breakerd.alerts.alerting import Alerting
    from breakerd.api.http.admin import AdminContext


class Breakerd:
    """Breakers, their alerting, their saved state and their admin plane. Thread-safe.

    It starts with the first call of a breaker or the first request to the admin plane, once in each
    process: forked children (`gunicorn --preload`, Celery prefork, `multiprocessing`) start theirs.
    A process that calls nothing has no thread, no lock and no open database. `with breakers:`, a
    lifespan and `start` start it before the first call. It ends in order at `close`, at the end of
    the `with` block or lifespan, and with the process.

    Args:
        path: TOML file. None: built-in defaults; changes are lost with the process.
        options: see `Options`.

    Raises:
        ConfigError: the file is missing or invalid; holds every problem in all its sections.
        ImportError: alerting needs the extra `alerts`, which is not installed.
        TypeError: an option is unknown, or a rule is of no use as what it is given for.

    Attributes:
        path: the configuration file; None for built-in defaults.
        registry: the breakers.
        alerting: the alerting; None if it was left out.
        fleet: commands to all processes that share breakers with this one.
        record: calls and events of the host on disk; None if it was left out.
        config_log: log of the configurations in force; None without a file, or if it was left out.
        fleet_record: sums of a fleet of several hosts; None if the record was left out.

    Example:
        breakers = Breakerd.from_file("config/breakers.toml")
        payments = breakers.get("payments")
        app.include_router(breakers.admin_router(), prefix="/ops")
    """

    def __init__(
        self, path: str | os.PathLike[str] | None = None, **options: Unpack[Options]
    ) -> None:
        self.path = None if path is None else Path(path)
        self._options = options
        self._api = ApiSettings() if self.path is None else read_file(self.path).api
        self.registry = self._make_registry()
        self.alerting = self._make_alerting() if options.get("alerting", True) else None
        if self.registry.config is not None:
            self.registry.config.subscribe(ApiSectionCheck())
            self.registry.config.subscribe(AdviceSubscriber())
        self._fleet = FleetPart(
            self.registry,
            self._state_file,
            self.alerting,
            joins=options.get("fleet", True),
            looks_on=options.get("control_plane", False),
        )
        self.fleet = self._fleet.fleet
        keeps = options.get("history", True)
        self._history = HistoryPart(self.registry, self.alerting, keeps=keeps)
        self.record = self._history.record
        self.config_log = self._make_config_log()
        self._keeper = make_keeper(self.registry)
        self.fleet_record = make_fleet_record(self.fleet, self.record, self._fleet.on_look)
        self._admin = _AdminPart()
        parts = list(self._parts())
        restoring = parts.index(self._fleet) + 1
        self._process_parts = ProcessParts(parts, self.not_running, restoring=restoring)
        self.registry.on_first_use = self._process_parts.start_in_background

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], **options: Unpack[Options]) -> Self:
        """Return the `Breakerd` of a file: one for each file in a process, until it is closed.

        So two modules share its breakers, and a notebook's cell may be run again. Rules that are
        given again replace the earlier ones.

        Args:
            path: TOML file.
            options: see `Options`.

        Raises:
            ConfigError: the file is missing or invalid; holds every problem in all its sections.
            ImportError: alerting needs the extra `alerts`, which is not installed.
            TypeError: an option is unknown, or a rule is of no use as what it is given for.
            ValueError: it is open with other parts or readers.
        """
        place = os.path.realpath(path)
        with _OPEN.lock:
            known = _OPEN.find(place)
            if isinstance(known, cls):
                known._take_options(options)  # noqa: SLF001 - our own
                return known
            made = cls(path, **options)
            _OPEN.by_place[place] = made
            return made

    # --- breakers, by name

    def get(self, name: str = DEFAULT, **rules: Unpack[RuleArguments]) -> Breaker:
        """Return the breaker of that name; create it on first use. See `Registry.get`."""
        return self.registry.get(name, **rules)

    def __iter__(self) -> Iterator[Breaker]:
        return iter(self.registry)

    def __repr__(self) -> str:
        where = "on built-in defaults" if self.path is None else repr(str(self.path))
        return f"<Breakerd {where} {'running' if self.running else 'not running'}>"

    # --- lifecycle

    def start(self) -> None:
        """Start in this process, and wait for it; no effect if it runs."""
        self._process_parts.start()
        self._fleet.wait_joined()

    def close(self) -> None:
        """End in order: deliver what is due, stop watching, save the state.

        Takes at most about 4 s. Breakers go on deciding, and do not start it again; `start` does.
        """
        self._process_parts.close()

    def __enter__(self) -> Self:
        self._process_parts.hold()
        self._fleet.wait_joined()
        return self

    def __exit__(self, *_: object) -> None:
        self._process_parts.release()

    @asynccontextmanager
    async def lifespan(self, _app: object = None) -> AsyncIterator[None]:
        """Run for as long as an ASGI application does: `FastAPI(lifespan=breakers.lifespan)`.

        `admin_router` brings it along; use it where there is no admin plane.
        """
        entering = asyncio.create_task(asyncio.to_thread(self.__enter__))
        try:
            await asyncio.shield(entering)
            yield
        finally:
            await entering  # where this was cancelled meanwhile, the thread goes on
            await asyncio.to_thread(self.__exit__)

    @property
    def running(self) -> bool:
        """True if it was started in this process, and not closed."""
        return self._process_parts.running

    def not_running(self) -> dict[str, str]:
        """Return why parts do not run in this process, by their names; empty if all do."""
        return self.registry.not_running()

    # --- admin plane

    def admin_router(self, *, include_in_schema: bool = False) -> "APIRouter":
        """Return the admin plane for `include_router(…, prefix="/ops")` of a FastAPI application.

        It has tokens, audit file and limits of `[api]`, and the lifespan.

        Args:
            include_in_schema: True: describe its routes in the OpenAPI document of the host.

        Raises:
            ImportError: the extra `api` is not installed.
        """
        with extra("api", "admin_router"):
            from breakerd.api import app
        return app.router_of(
            self._admin_context(), lifespan=self.lifespan, include_in_schema=include_in_schema
        )

    def admin_app(self, *, demo_endpoints: bool = False) -> "FastAPI":
        """Return the admin plane as an application of its own, to be served or mounted.

        Args:
            demo_endpoints: add a protected endpoint, and routes that make it slow or fail.

        Raises:
            ImportError: the extra `api` is not installed.
        """
        with extra("api", "admin_app"):
            from breakerd.api import app
        return app.app_of(self._admin_context(), demo_endpoints=demo_endpoints)

    def _admin_context(self) -> "AdminContext":
        """Return what all admin planes of this object share."""
        from breakerd.admin_plane import make_admin_context, share_promotions

        with self._admin.lock:
            context = self._admin.context
            if context is None:
                context = make_admin_context(
                    self.registry, self.alerting, self._fleet, self._history, self._api
                )
                context.config_log = self.config_log
                share_promotions(context, self._keeper)
                if self.fleet_record is not None:
                    context.fleet_record = self.fleet_record.reader
                self._admin.context = context
                if self.running:
                    self._admin.start()
            return context

    # --- parts

    @property
    def _state_file(self) -> str:
        return self._api.state_file if self._options.get("state", True) else ""

    def _make_registry(self) -> Registry:
        options = self._options
        rules = rules_of(options)
        memory, load = options.get("memory"), options.get("load")
        if self.path is None:
            return Registry(memory=memory, load=load, **rules)
        watch = options.get("watch", True)
        return Registry.from_file(self.path, watch=watch, memory=memory, load=load, **rules)

    def _make_alerting(self) -> "Alerting":
        with extra("alerts", "alerting", "leave it out by `alerting=False`"):
            from breakerd.alerts.alerting import Alerting
            from breakerd.alerts.settings.alerting import read_settings
        if self.path is None:
            alerting = Alerting(self.registry, read_settings(None), starter=_STARTER)
        else:
            alerting = Alerting.from_file(self.path, self.registry, starter=_STARTER)
        self.registry.report_not_running(lambda: self._alerting_not_running(alerting))
        return alerting

    def _make_config_log(self) -> ConfigLog | None:
        config = self.registry.config
        wanted = config is not None and self._options.get("config_log", True)
        return make_config_log(config) if config is not None and wanted else None

    def _alerting_not_running(self, alerting: "Alerting") -> dict[str, str]:
        found = alerting.not_running()
        return {"alerting": _STARTING} if found and self._process_parts.starting else found

    def _parts(self) -> Iterator[Part]:
        """Yield the parts in the order of their start; the first call waits for state and modes."""
        if self._state_file:
            # Before alerting looks: a breaker may still be open.
            yield StateAutosaver(self.registry, self._state_file, self._api.state_interval)
        yield self._fleet  # an operator's mode counts more than what was saved
        yield self._history  # ends after all that it records
        if self.fleet_record is not None:
            yield self.fleet_record
        yield self.registry
        if self.config_log is not None:
            yield self.config_log
        yield self._keeper
        if self.alerting is not None:
            yield self.alerting
        yield self._admin

    def _take_options(self, options: Options) -> None:
        """Take new rules.

        Raises:
            TypeError: an option is unknown, or a rule is of no use as what it is given for.
            ValueError: another option differs.
        """
        for name in OTHERS:
            known, wanted = (
                given.get(name, DEFAULTS.get(name)) for given in (self._options, options)
            )
            if known != wanted:
                raise ValueError(
                    f"{self.path} is open in this process with {name}={known!r}, found "
                    f"{name}={wanted!r}: give the same, or call close() of the open one first"
                )
        if rules := rules_of(options):
            self.registry.replace_rules(**rules)


_STARTER: Final = "it starts with the first call or request, or with `start()`"
_STARTING: Final = "nobody is being paged yet: alerting is starting"


class _AdminPart:
    """Part of a process that makes the token of the admin plane, where nobody has set one."""

    def __init__(self) -> None:
        self.context: AdminContext | None = None
        """Context that the admin planes share; None while there is none."""
        self.lock = ProcessLock()

    def start(self) -> None:
        """Make the token, and log what may be done without one."""
        if self.context is not None:
            self.context.access.start()

    def close(self) -> None:
        """End nothing: the token stays for the next start."""


class _Open:
    """Open objects of this process by the real paths of their files."""

    def __init__(self) -> None:
        self.by_place: dict[str, Breakerd] = {}
        self.lock = ProcessLock()
        self._closed: WeakValueDictionary[str, Breakerd] = WeakValueDictionary()
        """Closed ones that may be started again, if somebody still has them."""

    def find(self, place: str) -> Breakerd | None:
        """Return the open object of that file, if any; forget closed ones. Hold the lock."""
        for known, each in list(self.by_place.items()):
            if each._process_parts.closed:  # noqa: SLF001 - our own
                self._closed[known] = self.by_place.pop(known)
        for known, each in list(self._closed.items()):
            if not each._process_parts.closed:  # noqa: SLF001 - our own
                self.by_place.setdefault(known, each)
        return self.by_place.get(place)


_OPEN: Final = _Open()
