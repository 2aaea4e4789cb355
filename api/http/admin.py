"""Context of the routes: registry, alerting, access rules and audit log; and its dependencies."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool

from breakerd.api.http.event_feed import EventFeed
from breakerd.api.http.parts import Parts, parts_of
from breakerd.api.http.shared_change import SettingsOutcome, sharing
from breakerd.api.problems import NO_ALERTING, UNKNOWN_BREAKER, Problem
from breakerd.api.security.audit import AuditLog
from breakerd.api.security.auth import Access, Actor
from breakerd.api.settings import ApiSettings
from breakerd.breaker.breaker import Breaker
from breakerd.breaker.errors import (
    BreakerStateError,
    ConfigConflictError,
    ConfigError,
    ConfigWriteError,
    NotStoredError,
)
from breakerd.breaker.fleet.hub.protocol import HubUnavailableError
from breakerd.breaker.registry import DEFAULT, Registry
from breakerd.breaker.registry.guarded_change import change_if

if TYPE_CHECKING:
    from breakerd.alerts.alerting import Alerting
    from breakerd.alerts.paging import PagingReport
    from breakerd.breaker.config_log import ConfigLog
    from breakerd.breaker.fleet.runtime.command_result import CommandResult
    from breakerd.breaker.fleet.runtime.fleet import Fleet
    from breakerd.breaker.fleet.views.views import FleetViews
    from breakerd.breaker.promotion.keeper import Keeper
    from breakerd.breaker.record.reader import RecordReader
    from breakerd.breaker.record.record import Record

_NO_ALERTING: Final = "nobody is being paged: this process has no alerting"

T = TypeVar("T")
Snapshot = Callable[[], Mapping[str, object]]


class AdminContext:
    """Hold all that the routes of one admin plane share. Each request carries it in its state.

    Args:
        registry: the breakers.
        alerting: the alerting; None if the process has none.
        settings: limits of the admin plane; by default the built-in ones.
        access: access rules; by default those of `settings` and the environment.
        audit: log of changes; by default in memory only.
        parts: parts of the process; by default those of registry and alerting.
        fleet: commands to all processes; None if there is only this one.
        views: what all processes show; None if there is only this one.
    """

    def __init__(
        self,
        registry: Registry,
        alerting: "Alerting | None" = None,
        *,
        settings: ApiSettings | None = None,
        access: Access | None = None,
        audit: AuditLog | None = None,
        parts: Parts | None = None,
        fleet: "Fleet | None" = None,
        views: "FleetViews | None" = None,
    ) -> None:
        self.registry = registry
        self.alerting = alerting
        self.settings = settings or ApiSettings()
        self.access = access or Access.from_settings(self.settings)
        self.audit = audit or AuditLog()
        self.parts = parts or parts_of(registry, alerting)
        self.fleet = fleet
        self.views = views
        self.record: Record | None = None
        """Calls and events on disk; None if none are kept."""
        self.fleet_record: Callable[[], RecordReader | None] = lambda: None
        """Returns the reader of what all hosts of the fleet have recorded, if that is kept."""
        self.config_log: ConfigLog | None = None
        """Log of the configurations in force; None if none is kept."""
        self.keeper: Keeper | None = None
        """Keeper of comparisons and promises; None if this process has none."""
        self.feed = EventFeed(registry)
        self.describe: Callable[[str], dict[str, Any]] = lambda _prefix: {}
        """Returns the OpenAPI description of the routes below a path; set with the routes."""
        self.stopping = False
        """True once the service is shutting down."""

    def require_alerting(self) -> "Alerting":
        """Return the alerting.

        Raises:
            Problem: 404 if the process has none.
        """
        if self.alerting is None:
            raise Problem(404, "This process has no alerting.", kind=NO_ALERTING)
        return self.alerting

    def paging(self, breaker: str | None = None) -> "PagingReport":
        """Return whether a person is notified when that breaker trips, or any; and why not."""
        if self.alerting is None:
            return {"paging": False, "paging_problems": [_NO_ALERTING]}
        return self.alerting.status.paging_report(breaker)

    def not_running(self) -> dict[str, str]:
        """Return why each part that was asked for does not run in this process, by its name."""
        return dict(self.parts.not_running())

    def muted(self, breakers: Sequence[str]) -> dict[str, str]:
        """Return by name why nobody is paged about each breaker; empty if somebody is."""
        return self.alerting.status.muted(breakers) if self.alerting is not None else {}

    def get_breaker(self, name: str) -> Breaker:
        """Return the breaker of that name; create none that no process of the fleet holds.

        May wait for the hub, if this process has no breaker of that name.

        Raises:
            Problem: 404 if nobody has one; it lists the known names.
        """
        breaker = self.registry.find(name)
        if breaker is not None:
            return breaker
        elsewhere = self._names_elsewhere()
        if name in elsewhere:
            with suppress(ValueError):  # it names no breaker of this version
                # It has no calls: the fleet is asked about it, and commanded by it.
                return self.registry.get(name)
        known = [*self.registry.names(), *sorted(elsewhere - {*self.registry.names(), name})]
        detail = f"Unknown breaker {name!r}. Known: {', '.join(known)}."
        raise Problem(404, detail, kind=UNKNOWN_BREAKER, known=known)

    def _names_elsewhere(self) -> set[str]:
        """Return the names of breakers that processes of the fleet hold; none if it is away."""
        if self.views is None or not self.views.in_force:
            return set()
        try:
            return set(self.views.holders())
        except HubUnavailableError:
            return set()

    @contextmanager
    def audited(
        self,
        actor: Actor,
        action: str,
        *,
        snapshot: Snapshot,
        breaker: str | None = None,
        detail: str = "",
    ) -> Iterator[dict[str, object]]:
        """Record the enclosed action as one audit entry; yield its values before, to complete them.

        Args:
            actor: the client.
            action: name of the action.
            snapshot: called before and after the action; its values must be JSON-able.
            breaker: name of the breaker, if the action concerns one.
            detail: detail of the entry; the error's text in its place if the action fails.
        """
        before = dict(snapshot())
        outcome, note = "failed", detail
        try:
            yield before
            outcome = "done"
        except ConfigWriteError as error:
            outcome, note = "in memory only", str(error)
            raise
        except (
            ConfigError,
            ConfigConflictError,
            BreakerStateError,
            NotStoredError,
            Problem,
        ) as error:
            outcome, note = "refused", str(error)
            raise
        finally:
            self.audit.record(
                actor,
                action,
                breaker=breaker,
                before=before,
                after=snapshot(),
                outcome=outcome,
                detail=note,
            )


@dataclass(frozen=True, slots=True)
class BreakerOperation:
    """Act on one breaker in the name of one client; every action is audited."""

    admin: AdminContext
    actor: Actor
    breaker: Breaker

    @property
    def holds(self) -> bool:
        """True if the state of the breaker in this process counts: it is a member that has it."""
        return (fleet := self.admin.fleet) is None or fleet.holds(self.breaker.name)

    def operate(self, action: str, act: Callable[[], T], *, detail: str = "") -> T:
        """Call `act`, which may change the breaker's state, and return its result.

        Args:
            action: name of the action in the audit log.
            act: what to do.
            detail: detail of the audit entry.
        """
        with self.admin.audited(
            self.actor, action, snapshot=self._state, breaker=self.breaker.name, detail=detail
        ):
            result = act()
        self._forget_views()
        return result

    def command(
        self, action: str, everywhere: "Callable[[Fleet], CommandResult]", *, detail: str = ""
    ) -> "CommandResult | None":
        """Command the breaker in all processes of the fleet; None if there is no fleet.

        Args:
            action: name of the action in the audit log, which tells how many have done it.
            everywhere: the command.
            detail: detail of the audit entry.
        """
        fleet = self.admin.fleet
        if fleet is None or not fleet.in_force:
            return None
        own = self._state()
        found = own if self.holds else {}  # else its own state says nothing
        with self.admin.audited(
            self.actor,
            action,
            snapshot=lambda: dict(found),
            breaker=self.breaker.name,
            detail=detail,
        ) as before:
            result = everywhere(fleet)
            if result.state is None:  # unless nobody else has one
                before.update(own)
            state = result.state or self.breaker.state
            found = {"state": state.value, "fleet": str(result)}
        self._forget_views()
        return result

    def change(
        self,
        values: Mapping[str, object],
        require: Callable[[], None] | None = None,
        *,
        action: str = "change settings",
    ) -> SettingsOutcome:
        """Change settings, and return all settings in force.

        Args:
            values: new values by dotted names, as in the file.
            require: called when nobody else can change anything, before it is changed.
            action: name of the action in the audit log.

        Raises:
            ConfigError: a value is invalid; nothing was changed.
            ConfigConflictError: the file cannot be edited now; nothing was changed.
            ConfigWriteError: the change is in force, but not written to the file.
        """
        with self.audited_change(values, action) as outcome:
            change_if(self.admin.registry, self.breaker.name, values, require)
        return outcome()

    @contextmanager
    def audited_change(
        self, values: Mapping[str, object], action: str
    ) -> Iterator[Callable[[], SettingsOutcome]]:
        """Record a change of settings in the block as one audit entry, and bring it to other hosts.

        Yield what returns its outcome after the block.
        """

        def snapshot() -> dict[str, object]:
            settings = self.breaker.settings.model_dump(mode="json")
            return {name: _lookup(settings, name) for name in values}

        def outcome() -> SettingsOutcome:
            after = self._others(values)
            also = [name for name in after if name in before and before[name] != after[name]]
            return SettingsOutcome(self.breaker.settings, tuple(sorted(also)), shared)

        before, name, detail = self._others(values), self.breaker.name, self.actor.reason
        with (
            sharing(self.admin.fleet, self.actor) as shared,
            self.admin.audited(self.actor, action, snapshot=snapshot, breaker=name, detail=detail),
        ):
            yield outcome

    def _others(self, names: Iterable[str]) -> dict[str, list[object]]:
        """Return these settings of all other breakers: a change at the root changes theirs."""
        return {
            breaker.name: [_lookup(breaker.settings, name) for name in names]
            for breaker in self.admin.registry
            if breaker is not self.breaker
        }

    def _forget_views(self) -> None:
        if self.admin.views is not None:
            self.admin.views.forget()

    def _state(self) -> dict[str, object]:
        return {"state": self.breaker.state.value}


async def get_admin(request: Request) -> AdminContext:
    """Return the context of the admin plane that the request came to."""
    admin: AdminContext = request.state.admin
    return admin


async def get_actor(request: Request) -> Actor:
    """Return the client that sent the request."""
    actor: Actor = request.state.actor
    return actor


async def get_operation(request: Request) -> BreakerOperation:
    """Return an operation on the breaker in the path; `default` if the path names none."""
    admin: AdminContext = request.state.admin
    name = request.path_params.get("name", DEFAULT)
    breaker = admin.registry.find(name)
    if breaker is None:
        breaker = await run_in_threadpool(admin.get_breaker, name)
    return BreakerOperation(admin, request.state.actor, breaker)


AdminDep = Annotated[AdminContext, Depends(get_admin)]
ActorDep = Annotated[Actor, Depends(get_actor)]
OperationDep = Annotated[BreakerOperation, Depends(get_operation)]


def _lookup(settings: object, dotted: str) -> object:
    """Return a setting by its dotted name, of the model or its data; None if there is none."""
    value = settings
    for part in dotted.split("."):
        value = value.get(part) if isinstance(value, Mapping) else getattr(value, part, None)
    return value
