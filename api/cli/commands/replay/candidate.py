"""Write proposed settings as a breaker's candidate: through its service, or into the file."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import typer

from breakerd.api.cli.change_options import change_query
from breakerd.api.cli.output import FAILURE, USAGE_ERROR, err, fail, plain, show_problems
from breakerd.breaker.errors import BreakerError, ConfigError
from breakerd.breaker.replay import Suggestion
from breakerd.breaker.settings import CandidateSettings

DEFAULT_FILE: Final = Path("config/breakers.toml")
_PREFIX: Final = "candidate."


@dataclass(frozen=True, slots=True)
class CandidateTarget:
    """Whose candidate to write, and where.

    Attributes:
        breaker: name of the breaker.
        url: URL of the service; None to write into the file.
        token: token of the service.
        config: TOML file; None for the usual one.
        reason: why, for the audit of the service.
        dry_run: True to show the change and make none.
    """

    breaker: str
    url: str | None
    token: str | None
    config: Path | None
    reason: str
    dry_run: bool


def write_candidate(suggestion: Suggestion, target: CandidateTarget) -> None:
    """Show how the candidate changes, and write it; an error ends the command with one line.

    What the present candidate sets beside the proposed settings is removed from it.
    """
    wanted = {
        f"{_PREFIX}{each.key}": int(each.value) if each.value == int(each.value) else each.value
        for each in suggestion.thresholds + suggestion.recovery
    }
    if target.url:
        _write_to_service(wanted, target, target.url)
    else:
        _write_to_file(wanted, target, target.config or DEFAULT_FILE)


def _write_to_service(wanted: Mapping[str, float], target: CandidateTarget, url: str) -> None:
    from breakerd.api.cli.client import AdminClient

    client = AdminClient(url, target.token)
    present = client.get(target.breaker, "config").get("candidate")
    before = _flat(present) if isinstance(present, dict) else {}
    query = change_query(target.reason, dry_run=False)
    _show_change(before, wanted)
    if target.dry_run:
        return
    from breakerd.api.cli.client import breaker_path

    path = breaker_path(target.breaker, f"config{query}")
    client.request("PATCH", path, _values(before, wanted))
    err.print(plain(f"the candidate of {target.breaker} runs in the service"))


def _write_to_file(wanted: Mapping[str, float], target: CandidateTarget, file: Path) -> None:
    from breakerd.breaker.registry import Registry

    try:
        registry = Registry.from_file(file, watch=False)
        try:
            if target.breaker not in registry.names():
                known = ", ".join(registry.names())
                fail(f"{file}: unknown breaker {target.breaker!r}; allowed: {known}", USAGE_ERROR)
            candidate = registry.get(target.breaker).settings.candidate
            before = _stated(candidate) if candidate is not None else {}
            _show_change(before, wanted)
            if not target.dry_run:
                registry.change(target.breaker, _values(before, wanted))
                err.print(plain(f"{file}: the candidate of {target.breaker} was written"))
        finally:
            registry.close()
    except ConfigError as error:
        show_problems(error)
        raise typer.Exit(USAGE_ERROR) from None
    except BreakerError as error:
        fail(str(error), FAILURE)


def _stated(candidate: CandidateSettings) -> dict[str, Any]:
    return _flat(candidate.model_dump(mode="json", exclude_unset=True))


def _flat(values: Mapping[str, Any], prefix: str = _PREFIX) -> dict[str, Any]:
    """Return values by dotted key; those that are None are left out."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{prefix}{key}.")
        elif value is not None:
            found[f"{prefix}{key}"] = value
    return found


def _values(before: Mapping[str, Any], wanted: Mapping[str, float]) -> dict[str, Any]:
    """Return the change that leaves the candidate with what is wanted."""
    return dict.fromkeys(before.keys() - wanted.keys()) | dict(wanted)


def _show_change(before: Mapping[str, Any], wanted: Mapping[str, float]) -> None:
    for key in sorted(before.keys() | wanted.keys()):
        old, new = before.get(key), wanted.get(key)
        if old == new:
            continue
        if old is not None:
            err.print(plain(f"- {key} = {old}"))
        if new is not None:
            err.print(plain(f"+ {key} = {new}"))
