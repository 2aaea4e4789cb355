"""Commands that query or change a breaker of a running service."""

import json
import tomllib
from collections.abc import Callable
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from breakerd.api.cli.change_options import (
    DryRunOption,
    ReasonOption,
    TemporaryOption,
    change_query,
    show_preview,
)
from breakerd.api.cli.output import USAGE_ERROR, err, fail, out, plain, print_json
from breakerd.breaker.runtime.status import whole

if TYPE_CHECKING:
    from breakerd.api.cli.client import AdminClient

Url = Annotated[str, typer.Option(envvar="BREAKERD_URL", help="URL of the service.")]
Token = Annotated[
    str | None,
    typer.Option(envvar="BREAKERD_TOKEN", help="Token. Default: the service's var/token."),
]
BreakerName = Annotated[str, typer.Option("--breaker", "-b", help="Name of the breaker.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Key = Annotated[
    str,
    typer.Argument(
        help="Setting as in the file, such as latency_threshold, recovery.probes or opsgenie.team."
    ),
]
Value = Annotated[
    str,
    typer.Argument(help="Value as in the file, such as 800, true, [0.1, 0.5] or {timeout = 2}."),
]


class CommandScope(StrEnum):
    """Processes that a command is for. An enumeration: typer knows Literal only since 0.19."""

    FLEET = "fleet"
    PROCESS = "process"


class StatusScope(StrEnum):
    """Processes that a status is about."""

    PROCESS = "process"
    HOST = "host"
    FLEET = "fleet"


StatusScopeOption = Annotated[
    StatusScope | None,
    typer.Option(
        help="The process that answers, those of its host, or the fleet. Default: the fleet, "
        "where there is a hub."
    ),
]
ScopeOption = Annotated[
    CommandScope,
    typer.Option(help="All processes of the fleet, or only the one that answers."),
]

DEFAULT_URL: Final = "http://127.0.0.1:8080"
"""URL of a service on the default port."""
_BREAKERS: Final = "breakers"
_DONE_BY_THE_ONLY_ONE: Final = "applied 1, waiting 0, silent 0, without this breaker 0"
_OF_BREAKER: Final = "the key below the breaker's name, as wait_time, and --breaker NAME"
_SERVICE_SECTIONS: Final = frozenset({"opsgenie", "alerts", "api", "fleet", "history"})
"""Sections of the file that concern the service, not a breaker."""


def status(
    breaker: BreakerName = "default",
    url: Url = DEFAULT_URL,
    token: Token = None,
    scope: StatusScopeOption = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Show a breaker's state and the reason for it."""
    from breakerd.api.cli.views.status import status_table

    path = f"status?scope={scope.value}" if scope else "status"
    answer = make_client(url, token).get(breaker, path)
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
    """Print a setting, or a table of them, of a running breaker or of its service."""
    client, path = make_client(url, token), _config_path(key, breaker)
    _print_setting(client.request("GET", path), key=key, as_json=as_json)


def set_setting(  # noqa: PLR0913 - each is an option
    key: Key,
    value: Value,
    breaker: BreakerName = "default",
    url: Url = DEFAULT_URL,
    token: Token = None,
    reason: ReasonOption = "",
    *,
    dry_run: DryRunOption = False,
    temporary: TemporaryOption = False,
    as_json: AsJson = False,
) -> None:
    """Change a setting of a running breaker or service, and in its file; print the value in force.

    One of `default` is one of the root: other breakers that it changes are named. A table such as
    '{success_rate = 0.95, timeout = 2}' is merged with the one in force.
    """
    client, path = make_client(url, token), _config_path(key, breaker)
    query = change_query(reason, dry_run=dry_run, temporary=temporary)
    after = client.request("PATCH", path + query, {key: _parse_value(value)})
    show = show_preview if dry_run else partial(_print_setting, key=key)
    show(after, as_json=as_json)


def unset_setting(
    key: Key,
    breaker: BreakerName = "default",
    url: Url = DEFAULT_URL,
    token: Token = None,
    reason: ReasonOption = "",
    *,
    dry_run: DryRunOption = False,
    temporary: TemporaryOption = False,
    as_json: AsJson = False,
) -> None:
    """Remove a setting or a table from the file; print the value in force, which is the default.

    A breaker with its own table then uses the value of the root. With --temporary: end a temporary
    value, and return to the file's.
    """
    client, path = make_client(url, token), _config_path(key, breaker)
    query = change_query(reason, dry_run=dry_run, temporary=temporary)
    after = client.request("PATCH", path + query, {key: None})
    show = show_preview if dry_run else partial(_print_setting, key=key)
    show(after, as_json=as_json)


def trip(
    breaker: BreakerName = "default",
    reason: Annotated[str, typer.Option(help="Reason, for status, alerts and audit.")] = "manual",
    url: Url = DEFAULT_URL,
    token: Token = None,
    scope: ScopeOption = CommandScope.FLEET,
    *,
    as_json: AsJson = False,
) -> None:
    """Open a breaker; recovery follows as usual."""
    answer = make_client(url, token).post(breaker, in_scope("trip", scope), {"reason": reason})
    show_result(answer, as_json=as_json)


def reset(
    breaker: BreakerName = "default",
    url: Url = DEFAULT_URL,
    token: Token = None,
    scope: ScopeOption = CommandScope.FLEET,
    *,
    as_json: AsJson = False,
) -> None:
    """Close a breaker and clear its window."""
    answer = make_client(url, token).post(breaker, in_scope("reset", scope), {"confirm": True})
    show_result(answer, as_json=as_json)


def enable(
    breaker: BreakerName = "default",
    url: Url = DEFAULT_URL,
    token: Token = None,
    scope: ScopeOption = CommandScope.FLEET,
    *,
    as_json: AsJson = False,
) -> None:
    """End an operator's override, and reset."""
    answer = make_client(url, token).post(breaker, in_scope("enabled", scope))
    show_result(answer, as_json=as_json)


def disable(
    breaker: BreakerName = "default",
    url: Url = DEFAULT_URL,
    token: Token = None,
    scope: ScopeOption = CommandScope.FLEET,
    *,
    as_json: AsJson = False,
) -> None:
    """Let every call pass until the breaker is enabled."""
    answer = make_client(url, token).post(breaker, in_scope("disabled", scope))
    show_result(answer, as_json=as_json)


def observe(
    breaker: BreakerName = "default",
    url: Url = DEFAULT_URL,
    token: Token = None,
    scope: ScopeOption = CommandScope.FLEET,
    *,
    as_json: AsJson = False,
) -> None:
    """Decide and report, but reject nothing, until the breaker is enabled."""
    path = in_scope("observe", scope)
    show_result(make_client(url, token).post(breaker, path), as_json=as_json)


def force_open(
    breaker: BreakerName = "default",
    reason: Annotated[str, typer.Option(help="Reason, for status, alerts and audit.")] = "",
    url: Url = DEFAULT_URL,
    token: Token = None,
    scope: ScopeOption = CommandScope.FLEET,
    *,
    as_json: AsJson = False,
) -> None:
    """Reject every call until the breaker is reset or enabled."""
    path = in_scope("force-open", scope)
    answer = make_client(url, token).post(breaker, path, {"reason": reason})
    show_result(answer, as_json=as_json)


COMMANDS: Final[tuple[Callable[..., None], ...]] = (
    status,
    get_setting,
    set_setting,
    unset_setting,
    trip,
    reset,
    enable,
    disable,
    observe,
    force_open,
)


def make_client(url: str, token: str | None) -> "AdminClient":
    """Return a client of the service at `url`; without a token, it looks for one."""
    from breakerd.api.cli.client import AdminClient

    return AdminClient(url, token)


def in_scope(path: str, scope: CommandScope) -> str:
    """Return the path of a command in that scope; the fleet need not be named."""
    return path if scope is CommandScope.FLEET else f"{path}?scope={scope.value}"


def _config_path(key: str, breaker: str) -> str:
    """Return the path of the settings that `key` belongs to: those of the service or a breaker."""
    from breakerd.api.cli.client import breaker_path

    section = key.partition(".")[0].strip("\"' ")
    if section == _BREAKERS:
        fail(f"{key}: found a key of [{_BREAKERS}]; allowed: {_OF_BREAKER}", USAGE_ERROR)
    return "config" if section in _SERVICE_SECTIONS else breaker_path(breaker, "config")


def _print_setting(settings: dict[str, Any], *, key: str, as_json: bool) -> None:
    also, shared = settings.pop("also_changes", []), settings.pop("shared", None)
    value = _lookup(settings, key)
    print_json({key: value} if as_json else value)
    if also:
        err.print(f"also changes: {plain(', '.join(also))}")
    if shared:
        err.print(plain(shared["text"]))


def _lookup(settings: dict[str, Any], key: str) -> object:
    """Return the value at `key`; None if it, or a table around it, is not set."""
    from breakerd.breaker.config.dotted_key import parse_key

    value: object = settings
    for part in (names := parse_key(key)):
        if not isinstance(value, dict) or part not in value:
            _require_known(names)
            return None
        value = value[part]
    return whole(value) if isinstance(value, float) else value


def _require_known(names: tuple[str, ...]) -> None:
    """End the command if there is no setting of that name."""
    from breakerd.api.file_settings import SECTION_MODELS
    from breakerd.breaker.config.validate import suggest_key, unknown_key
    from breakerd.breaker.settings import Settings

    section = names[0]
    known = [*Settings.model_fields, *SECTION_MODELS]
    if section in SECTION_MODELS:
        problem = unknown_key(SECTION_MODELS[section], names[1:])
    else:
        problem = unknown_key(Settings, names)
    if problem is None:
        return
    allowed = problem.allowed if section in known else suggest_key(section, known)
    fail(f"{'.'.join(names)}: found {problem.found}; allowed: {allowed}", USAGE_ERROR)


def _parse_value(value: str) -> object:
    """Parse a value as written in the file, or as JSON; what is neither is a string."""
    try:
        return json.loads(value, parse_constant=_reject_constant)
    except ValueError:
        pass
    try:
        parsed = tomllib.loads(f"value = {value}")
        json.dumps(parsed, allow_nan=False)
    except (ValueError, TypeError):
        return value
    return parsed["value"] if parsed.keys() == {"value"} else value


def _reject_constant(constant: str) -> None:
    raise ValueError(constant)


def show_result(answer: dict[str, Any], *, as_json: bool) -> None:
    """Print what was done to a breaker, its state, and how far that has come in the fleet."""
    if as_json:
        print_json(answer)
        return
    out.print(plain(f"{answer['message']}: {answer['state']}"))
    if (fleet := answer.get("fleet")) and fleet["text"] != _DONE_BY_THE_ONLY_ONE:
        out.print(plain(fleet["text"]))
