"""Secrets of alerting: where each may be found."""

import os
from collections.abc import Iterator, Mapping
from typing import Any, Final

from breakerd.breaker.config import Document
from breakerd.breaker.config.secret_source import FILE_SUFFIX, Secret, SecretSource
from breakerd.breaker.errors import ConfigError, ConfigProblem

_SECRETS: Final = ("key", "url", "token")
_OPSGENIE: Final = ("opsgenie", "api_key")
_NEVER_WRITTEN: Final = ConfigProblem(
    where="request",
    line=0,
    key="api_key",
    found="a value that is not shown",
    allowed="to set OPSGENIE_API_KEY and restart, or to edit the file; no secret is written to it",
)


def refuse_secrets(values: Mapping[str, object]) -> None:
    """Refuse changes of `[opsgenie]` that would write a secret to the file.

    Raises:
        ConfigError: there is one among `values`.
    """
    if _NEVER_WRITTEN.key in values:
        raise ConfigError([_NEVER_WRITTEN])


def read_secrets(
    document: Document | None, environ: Mapping[str, str] = os.environ
) -> SecretSource:
    """Return the secrets that are kept outside `document`: in variables and files."""
    return SecretSource(_all_secrets(document.data if document else {}), document, environ)


def variable_of(key: tuple[str, ...]) -> str:
    """Return the environment variable for the secret at `key`; empty if there is none."""
    table: dict[str, Any] = {}
    for name in reversed(key[:-1]):
        table = {name: table}
    return next((each.variable for each in _all_secrets(table) if each.path == key), "")


def _all_secrets(data: Mapping[str, Any]) -> Iterator[Secret]:
    opsgenie = _table(data, "opsgenie")
    yield Secret(_OPSGENIE, "OPSGENIE_API_KEY", _text(opsgenie, "api_key_file"))
    for kind, named in _table(_table(data, "alerts"), "receivers").items():
        for name, receiver in named.items() if isinstance(named, Mapping) else ():
            for secret in _SECRETS if isinstance(receiver, Mapping) else ():
                variable = f"BREAKERD_{kind}_{name}_{secret}".upper().replace("-", "_")
                path = ("alerts", "receivers", kind, name, secret)
                yield Secret(path, variable, _text(receiver, secret + FILE_SUFFIX))


def _table(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = data.get(name, {})
    return found if isinstance(found, Mapping) else {}


def _text(table: object, name: str) -> str:
    found = table.get(name, "") if isinstance(table, Mapping) else ""
    return found if isinstance(found, str) else ""
