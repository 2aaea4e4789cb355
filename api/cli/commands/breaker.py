"""Commands that query or change a breaker of a running service."""

import json
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.markup import escape

from breakerd.api.cli.output import USAGE_ERROR, fail, out
from breakerd.breaker.runtime.status import whole
from breakerd.breaker.strict_json import dumps

if TYPE_CHECKING:
    from breakerd.api.cli.client import AdminClient

Url = Annotated[str, typer.Option(envvar="BREAKERD_URL", help="URL of the service.")]
Token = Annotated[
    str | None, typer.Option(envvar="BREAKERD_TOKEN", help="Token of the admin plane.")
]
BreakerName = Annotated[str, typer.Option("--breaker", "-b", help="Name of the breaker.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Key = Annotated[
    str,
    typer.Argument(help="Setting as in the file, such as latency_threshold or recovery.probes."),
]
Value = Annotated[
    str, typer.Argument(help="Value as in the file, such as 800, 0.95, true or [0.1, 0.5].")
]

DEFAULT_URL: Final = "http://127.0.0.1:8080"
"""URL of a service on the default port."""


def status(
    breaker: BreakerName = "default",
    url: Url = DEFAULT_URL,
    token: Token = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Show a breaker's state and the reason for it."""
    from breakerd.api.cli.views.status import status_table

    answer = make_client(url, token).get(breaker, "status")
    if as_json:
        print_json(answer)
    else:
        out.print(status_table(answer))


def get_setting(
    key: Key,
    breaker: BreakerName = "default",
    url: Url = DEFAULT_URL,
    token: Token = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Print one setting of a running breaker."""
    value = _lookup(make_client(url, token).get(breaker, "config"), key)
    print_json({key: value} if as_json else value)


def set_setting(
    key: Key,
    value: Value,
    breaker: BreakerName = "default",
    url: Url = DEFAULT_URL,
    token: Token = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Change one setting of a running breaker and in its file; print the value in force."""
    after = make_client(url, token).patch(breaker, "config", {key: _parse_value(value)})
    in_force = _lookup(after, key)
    print_json({key: in_force} if as_json else in_force)


def trip(
    breaker: BreakerName = "default",
    reason: Annotated[str, typer.Option(help="Reason, for status, alerts and audit.")] = "manual",
    url: Url = DEFAULT_URL,
    token: Token = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Open a breaker; recovery follows as usual."""
    _show_result(make_client(url, token).post(breaker, "trip", {"reason": reason}), as_json=as_json)


def reset(
    breaker: BreakerName = "default",
    url: Url = DEFAULT_URL,
    token: Token = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Close a breaker and clear its window."""
    _show_result(make_client(url, token).post(breaker, "reset", {"confirm": True}), as_json=as_json)


def enable(
    breaker: BreakerName = "default",
    url: Url = DEFAULT_URL,
    token: Token = None,
    *,
    as_json: AsJson = False,
) -> None:
    """End an operator's override, and reset."""
    _show_result(make_client(url, token).post(breaker, "enabled"), as_json=as_json)


def disable(
    breaker: BreakerName = "default",
    url: Url = DEFAULT_URL,
    token: Token = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Let every call pass until the breaker is enabled."""
    _show_result(make_client(url, token).post(breaker, "disabled"), as_json=as_json)


COMMANDS: Final[tuple[Callable[..., None], ...]] = (
    status,
    get_setting,
    set_setting,
    trip,
    reset,
    enable,
    disable,
)


def make_client(url: str, token: str | None) -> "AdminClient":
    """Return a client of the service at `url`; without a token, use BREAKERD_READ_TOKEN."""
    from breakerd.api.cli.client import AdminClient

    return AdminClient(url, token or os.environ.get("BREAKERD_READ_TOKEN"))


def _lookup(settings: dict[str, Any], key: str) -> object:
    value: object = settings
    for part in key.split("."):
        if not isinstance(value, dict) or part not in value:
            known = ", ".join(value) if isinstance(value, dict) else "none below it"
            fail(f"unknown setting {key!r}; allowed: {known}", USAGE_ERROR)
        value = value[part]
    return whole(value) if isinstance(value, float) else value


def _parse_value(value: str) -> object:
    """Parse a value as written in the file; what is not JSON is a string."""
    try:
        return json.loads(value, parse_constant=_reject_constant)
    except ValueError:
        return value


def _reject_constant(constant: str) -> None:
    raise ValueError(constant)


def _show_result(answer: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(answer)
    else:
        out.print(escape(f"{answer['message']}: {answer['state']}"))


def print_json(value: object) -> None:
    """Print `value` as JSON on one line."""
    print(dumps(value))  # noqa: T201 - rich would wrap and colour it
