"""People and tools: the breakers over HTTP, on the command line, and on a dashboard.

Example:
    from api import admin_router

    app.include_router(admin_router(registry, alerting))
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from api.app import admin_router, create_app
    from api.service import Service
    from api.settings import ApiSettings

__all__ = ["ApiSettings", "Service", "admin_router", "create_app"]

_HOMES = {
    "ApiSettings": "api.settings",
    "Service": "api.service",
    "admin_router": "api.app",
    "create_app": "api.app",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever has that name
    # On demand, so that commands that only talk to a service need not load a web framework.
    if name not in _HOMES:
        raise AttributeError(f"module 'api' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - on demand

    return getattr(import_module(_HOMES[name]), name)
