"""Scope of an answer: the processes that it is about."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Final, Generic, TypeVar

from fastapi import Query

from breakerd.api.http.admin import AdminContext
from breakerd.breaker.fleet.hub.protocol import HubUnavailableError
from breakerd.breaker.fleet.views.views import FleetViews, ViewScope

T = TypeVar("T")

_DESCRIPTION: Final = (
    "Processes that the answer is about: the one that answers, those of its host, or all of the "
    "fleet. By default the fleet, where there is a hub."
)
ScopeQuery = Annotated[ViewScope | None, Query(description=_DESCRIPTION)]
"""Query parameter `scope`; None for the widest that there is."""
_NO_FLEET: Final = "this process is in no fleet"


@dataclass(frozen=True, slots=True)
class Scoped(Generic[T]):
    """Facts of the hub for an answer.

    Attributes:
        scope: the processes that the answer is about.
        found: what they show; None if it is about the process that answers.
        problem: why it is about fewer than was asked for; empty if it is not.
    """

    scope: ViewScope
    found: T | None = None
    problem: str = ""


def read_scope(
    admin: AdminContext, wanted: ViewScope | None, ask: Callable[[FleetViews, ViewScope], T]
) -> Scoped[T]:
    """Return what `ask` finds in the scope that is wanted; nothing while the hub is away.

    Args:
        admin: the admin plane.
        wanted: the scope; None for the fleet, where there is a hub.
        ask: gets the views and the scope; may raise HubUnavailableError.
    """
    views = admin.views
    if wanted == "process" or (wanted is None and (views is None or not views.in_force)):
        return Scoped("process")
    if views is None:
        return Scoped("process", problem=_NO_FLEET)
    scope = wanted or "fleet"
    try:
        return Scoped(scope, ask(views, scope))
    except HubUnavailableError as error:
        return Scoped("process", problem=str(error))
