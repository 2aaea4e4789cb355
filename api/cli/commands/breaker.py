"""The commands that ask or change a running service."""

import json
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.markup import escape

from breakerd.api.cli.output import USAGE_ERROR, fail, out
from breakerd.breaker.runtime.status import whole

if TYPE_CHECKING:
    from breakerd.api.cli.client import AdminClient

Url = Annotated[str, typer.Option(envvar="BREAKERD_URL", help="Where the service listens.")]
Token = Annotated[
    str | None, typer.Option(envvar="BREAKERD_TOKEN", help="Token of the admin plane.")
]
BreakerName = Annotated[str, typer.Option("--breaker", "-b", help="Which breaker.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Key = Annotated[str, typer.Argument(help="As in the file: latency_threshold, recovery.probes.")]
Value = Annotated[str, typer.Argument(help="As in the file: 800, 0.95, true, [0.1, 0.5].")]

DEFAULT_URL: Final = "http://127.0.0.1:8080"


def status(
    breaker: BreakerName = "default",
    url: Url = DEFAULT_URL,
    token: Token = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Shows a breaker's state, and why it is in it."""
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
    """Prints one setting of a running breaker."""
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
    """Changes one setting of a running breaker, and in its file; prints the value in force."""
    after = make_client(url, token).patch(breaker, "config", {key: _parse_value(value)})
    in_force = _lookup(after, key)
    print_json({key: in_force} if as_json else in_force)


def trip(
    breaker: BreakerName = "default",
    reason: Annotated[str, typer.Option(help="For those who ask later.")] = "manual",
    url: Url = DEFAULT_URL,
    token: Token = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Opens a breaker; it recovers its usual way."""
    _show_result(make_client(url, token).post(breaker, "trip", {"reason": reason}), as_json=as_json)


def reset(
    breaker: BreakerName = "default",
    url: Url = DEFAULT_URL,
    token: Token = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Closes a breaker, and makes it forget what it saw."""
    _show_result(make_client(url, token).post(breaker, "reset", {"confirm": True}), as_json=as_json)


def enable(
    breaker: BreakerName = "default",
    url: Url = DEFAULT_URL,
    token: Token = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Ends what an operator put in force, and resets."""
    _show_result(make_client(url, token).post(breaker, "enabled"), as_json=as_json)


def disable(
    breaker: BreakerName = "default",
    url: Url = DEFAULT_URL,
    token: Token = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Lets every call pass, until it is enabled."""
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
    """A client of the service at `url`; it may only read if the read token is all there is."""
    from breakerd.api.cli.client import AdminClient

    return AdminClient(url, token or os.environ.get("BREAKERD_READ_TOKEN"))


def _lookup(settings: dict[str, Any], key: str) -> object:
    value: object = settings
    for part in key.split("."):
        if not isinstance(value, dict) or part not in value:
            known = ", ".join(value) if isinstance(value, dict) else "nothing below it"
            fail(f"there is no setting {key!r}; allowed: {known}", USAGE_ERROR)
        value = value[part]
    return whole(value) if isinstance(value, float) else value


def _parse_value(value: str) -> object:
    """The value as written in a file; what is not a number, list or the like is a text."""
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
    """Prints `value` for programs, on one line."""
    print(json.dumps(value, ensure_ascii=False))  # noqa: T201 - not for rich to wrap or colour
