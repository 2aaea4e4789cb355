"""The commands that ask or change a running service."""

import json
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.markup import escape

from breakerd.api.cli.output import WRONG, fail, out
from breakerd.breaker.runtime.status import whole

if TYPE_CHECKING:
    from breakerd.api.cli.client import Client

Url = Annotated[str, typer.Option(envvar="BREAKERD_URL", help="Where the service listens.")]
Token = Annotated[
    str | None, typer.Option(envvar="BREAKERD_TOKEN", help="Token of the admin plane.")
]
Name = Annotated[str, typer.Option("--breaker", "-b", help="Which breaker.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Key = Annotated[str, typer.Argument(help="As in the file: latency_threshold, recovery.probes.")]
Value = Annotated[str, typer.Argument(help="As in the file: 800, 0.95, true, [0.1, 0.5].")]

HERE: Final = "http://127.0.0.1:8080"


def status(
    breaker: Name = "default", url: Url = HERE, token: Token = None, *, as_json: AsJson = False
) -> None:
    """Shows a breaker's state, and why it is in it."""
    from breakerd.api.cli.views.status import status_table

    answer = client_of(url, token).get(breaker, "status")
    if as_json:
        print_json(answer)
    else:
        out.print(status_table(answer))


def get_setting(
    key: Key,
    breaker: Name = "default",
    url: Url = HERE,
    token: Token = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Prints one setting of a running breaker."""
    value = _value(client_of(url, token).get(breaker, "config"), key)
    print_json({key: value} if as_json else value)


def set_setting(
    key: Key,
    value: Value,
    breaker: Name = "default",
    url: Url = HERE,
    token: Token = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Changes one setting of a running breaker, and in its file; prints the value in force."""
    after = client_of(url, token).patch(breaker, "config", {key: _parsed(value)})
    in_force = _value(after, key)
    print_json({key: in_force} if as_json else in_force)


def trip(
    breaker: Name = "default",
    reason: Annotated[str, typer.Option(help="For those who ask later.")] = "manual",
    url: Url = HERE,
    token: Token = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Opens a breaker; it recovers its usual way."""
    _show_done(client_of(url, token).post(breaker, "trip", {"reason": reason}), as_json=as_json)


def reset(
    breaker: Name = "default", url: Url = HERE, token: Token = None, *, as_json: AsJson = False
) -> None:
    """Closes a breaker, and makes it forget what it saw."""
    _show_done(client_of(url, token).post(breaker, "reset", {"confirm": True}), as_json=as_json)


def enable(
    breaker: Name = "default", url: Url = HERE, token: Token = None, *, as_json: AsJson = False
) -> None:
    """Ends what an operator put in force, and resets."""
    _show_done(client_of(url, token).post(breaker, "enabled"), as_json=as_json)


def disable(
    breaker: Name = "default", url: Url = HERE, token: Token = None, *, as_json: AsJson = False
) -> None:
    """Lets every call pass, until it is enabled."""
    _show_done(client_of(url, token).post(breaker, "disabled"), as_json=as_json)


COMMANDS: Final[tuple[Callable[..., None], ...]] = (
    status,
    get_setting,
    set_setting,
    trip,
    reset,
    enable,
    disable,
)


def client_of(url: str, token: str | None) -> "Client":
    """A client of the service at `url`; it may only read if the read token is all there is."""
    from breakerd.api.cli.client import Client

    return Client(url, token or os.environ.get("BREAKERD_READ_TOKEN"))


def _value(settings: dict[str, Any], key: str) -> object:
    value: object = settings
    for part in key.split("."):
        if not isinstance(value, dict) or part not in value:
            known = ", ".join(value) if isinstance(value, dict) else "nothing below it"
            fail(f"there is no setting {key!r}; allowed: {known}", WRONG)
        value = value[part]
    return whole(value) if isinstance(value, float) else value


def _parsed(value: str) -> object:
    """The value as written in a file; what is not a number, list or the like is a text."""
    try:
        return json.loads(value, parse_constant=_refuse)
    except ValueError:
        return value


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _show_done(answer: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(answer)
    else:
        out.print(escape(f"{answer['message']}: {answer['state']}"))


def print_json(value: object) -> None:
    """Prints `value` for programs, on one line."""
    print(json.dumps(value, ensure_ascii=False))  # noqa: T201 - not for rich to wrap or colour
