"""Sources of secrets: environment variables, secret files, the settings themselves."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from breakerd.breaker.config import Document
from breakerd.breaker.config.file.reading import FileReadError, read_secret_text
from breakerd.breaker.errors import ConfigError, ConfigProblem

_SECRETS: Final = ("key", "url", "token")
_OPSGENIE: Final = ("opsgenie", "api_key")
_FILE_SUFFIX: Final = "_file"
_ENVIRONMENT: Final = "environment"
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


@dataclass(frozen=True, slots=True)
class Secret:
    """One secret, and where it may be found.

    Attributes:
        path: its keys in the file of settings.
        variable: environment variable that wins over the file of settings. The same name with
            `_FILE` names a file that holds the secret.
        file: secret file that the settings name, by the same key with `_file`; empty if none.
    """

    path: tuple[str, ...]
    variable: str
    file: str = ""

    def read(self, environ: Mapping[str, str]) -> tuple[str, str]:
        """Return the secret and the file it was read from; each empty if there is none.

        Raises:
            FileReadError: the file cannot be read, or is not text.
        """
        if value := environ.get(self.variable, "").strip():
            return value, ""
        file = environ.get(f"{self.variable}_FILE", "").strip() or self.file
        return (read_secret_text(file), file) if file else ("", "")


class SecretSource:
    """Secrets kept outside the file of settings, read once, and whether they changed since.

    Args:
        document: the file of settings; None if there is none.
        environ: environment variables.
    """

    def __init__(self, document: Document | None, environ: Mapping[str, str]) -> None:
        self.values: dict[tuple[str, ...], str] = {}
        """Secrets by their path in the file of settings."""
        self.problems: list[ConfigProblem] = []
        self._files: dict[str, str] = {}
        for secret in _all_secrets(document.data if document else {}):
            try:
                value, file = secret.read(environ)
            except FileReadError as error:
                self.problems.append(_unreadable(secret, str(error), document))
                continue
            if value:
                self.values[secret.path] = value
            if file:
                self._files[file] = _digest(value)

    def changed(self) -> bool:
        """True if a secret file has new content; an unreadable or empty one counts as unchanged."""
        return any(_file_digest(file) not in {digest, ""} for file, digest in self._files.items())


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
            for secret in _SECRETS:
                variable = f"BREAKERD_{kind}_{name}_{secret}".upper().replace("-", "_")
                path = ("alerts", "receivers", kind, name, secret)
                yield Secret(path, variable, _text(receiver, secret + _FILE_SUFFIX))


def _table(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = data.get(name, {})
    return found if isinstance(found, Mapping) else {}


def _text(table: object, name: str) -> str:
    found = table.get(name, "") if isinstance(table, Mapping) else ""
    return found if isinstance(found, str) else ""


def _unreadable(secret: Secret, found: str, document: Document | None) -> ConfigProblem:
    """Return the problem of a secret file; its path is not shown, it may be the secret itself."""
    key = (*secret.path[:-1], secret.path[-1] + _FILE_SUFFIX)
    in_file = bool(secret.file) and document is not None
    return ConfigProblem(
        where=str(document.path) if document and in_file else _ENVIRONMENT,
        line=document.line_of(key) if document and in_file else 0,
        key=".".join(key) if in_file else f"{secret.variable}{_FILE_SUFFIX.upper()}",
        found=f"a file that cannot be read: {found}",
        allowed="the path of a readable text file that contains only the secret",
    )


def _file_digest(file: str) -> str:
    try:
        text = read_secret_text(file)
    except FileReadError:
        return ""
    return _digest(text) if text else ""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
