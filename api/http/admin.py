"""What the routes work with: the registry, the alerting, who may do what, and who did what."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request

from breakerd.api.http.event_feed import EventFeed
from breakerd.api.problems import NO_ALERTING, UNKNOWN_BREAKER, Problem
from breakerd.api.security.audit import AuditLog
from breakerd.api.security.auth import Access, Actor
from breakerd.api.settings import ApiSettings
from breakerd.breaker.breaker import Breaker
from breakerd.breaker.errors import BreakerStateError, ConfigError, ConfigWriteError
from breakerd.breaker.registry import DEFAULT, Registry
from breakerd.breaker.settings import Settings

if TYPE_CHECKING:
    from breakerd.alerts.alerting import Alerting

Snapshot = Callable[[], Mapping[str, object]]


class AdminContext:
    """One admin plane. Its routes find it in the request that they answer.

    Args:
        registry: the breakers.
        alerting: who is told; None where the process has none.
        settings: limits of the admin plane.
        access: who may do what.
        audit: where changes are kept.
    """

    def __init__(
        self,
        registry: Registry,
        alerting: "Alerting | None" = None,
        *,
        settings: ApiSettings | None = None,
        access: Access | None = None,
        audit: AuditLog | None = None,
    ) -> None:
        self.registry = registry
        self.alerting = alerting
        self.settings = settings or ApiSettings()
        self.access = access or Access()
        self.audit = audit or AuditLog()
        self.feed = EventFeed(registry)
        self.stopping = False
        """Set once no new work is to come here."""

    def require_alerting(self) -> "Alerting":
        """The alerting.

        Raises:
            Problem: 404, where there is none.
        """
        if self.alerting is None:
            raise Problem(404, "This process has no alerting.", kind=NO_ALERTING)
        return self.alerting

    def get_breaker(self, name: str) -> Breaker:
        """The breaker of that name; never makes one.

        Raises:
            Problem: 404, naming those that there are.
        """
        breaker = self.registry.find(name)
        if breaker is None:
            known = self.registry.names()
            detail = f"There is no breaker {name!r}; there are: {', '.join(known)}."
            raise Problem(404, detail, kind=UNKNOWN_BREAKER, known=known)
        return breaker

    @contextmanager
    def audited(
        self,
        actor: Actor,
        action: str,
        *,
        snapshot: Snapshot,
        breaker: str | None = None,
        detail: str = "",
    ) -> Iterator[None]:
        """Keeps what happens inside as one entry; `view` is taken before and after."""
        before = snapshot()
        outcome, said = "failed", detail
        try:
            yield
            outcome = "done"
        except ConfigWriteError as error:
            outcome, said = "in memory only", str(error)
            raise
        except (ConfigError, BreakerStateError, Problem) as error:
            outcome, said = "refused", str(error)
            raise
        finally:
            self.audit.record(
                actor,
                action,
                breaker=breaker,
                before=before,
                after=snapshot(),
                outcome=outcome,
                detail=said,
            )


@dataclass(frozen=True, slots=True)
class BreakerOperation:
    """Somebody at work on one breaker: what they do is done to it, and audited."""

    admin: AdminContext
    actor: Actor
    breaker: Breaker

    def operate(self, action: str, act: Callable[[], None], *, detail: str = "") -> None:
        """Lets `act` move the breaker's state."""
        with self.admin.audited(
            self.actor, action, snapshot=self._state, breaker=self.breaker.name, detail=detail
        ):
            act()

    def change(self, values: Mapping[str, object]) -> Settings:
        """Changes settings, by their names in the file, and returns those in force.

        Raises:
            ConfigError: a value is wrong; nothing was changed.
            ConfigWriteError: in force, but not written to the file.
        """

        def view() -> dict[str, object]:
            settings = self.breaker.settings.model_dump(mode="json")
            return {name: _lookup(settings, name) for name in values}

        with self.admin.audited(
            self.actor, "change settings", snapshot=view, breaker=self.breaker.name
        ):
            return self.admin.registry.change(self.breaker.name, values)

    def _state(self) -> dict[str, object]:
        return {"state": self.breaker.state.value}


async def get_admin(request: Request) -> AdminContext:
    """The admin plane that the request came to."""
    admin: AdminContext = request.state.admin
    return admin


async def get_actor(request: Request) -> Actor:
    """Who asks."""
    actor: Actor = request.state.actor
    return actor


async def get_operation(request: Request) -> BreakerOperation:
    """Who asks, and the breaker in the path: `default` where the path names none."""
    admin: AdminContext = request.state.admin
    name = request.path_params.get("name", DEFAULT)
    return BreakerOperation(admin, request.state.actor, admin.get_breaker(name))


AdminDep = Annotated[AdminContext, Depends(get_admin)]
ActorDep = Annotated[Actor, Depends(get_actor)]
OperationDep = Annotated[BreakerOperation, Depends(get_operation)]


def _lookup(settings: Mapping[str, object], dotted: str) -> object:
    value: object = settings
    for part in dotted.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value
