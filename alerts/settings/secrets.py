"""Sources of secrets: environment variables, secret files, the settings themselves."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from breakerd.breaker.errors import ConfigProblem

_SECRETS: Final = ("key", "url")
_OPSGENIE: Final = ("opsgenie", "api_key")
_FILE_SUFFIX: Final = "_file"


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
            OSError, UnicodeDecodeError: the file cannot be read.
        """
        if value := environ.get(self.variable, "").strip():
            return value, ""
        file = environ.get(f"{self.variable}_FILE", "").strip() or self.file
        return (Path(file).read_text().strip(), file) if file else ("", "")


class SecretSource:
    """Secrets kept outside the file of settings, read once, and whether they changed since.

    Args:
        data: the file of settings.
        environ: environment variables.
    """

    def __init__(self, data: Mapping[str, Any], environ: Mapping[str, str]) -> None:
        self.values: dict[tuple[str, ...], str] = {}
        """Secrets by their path in the file of settings."""
        self.problems: list[ConfigProblem] = []
        self._files: dict[str, str] = {}
        for secret in _all_secrets(data):
            try:
                value, file = secret.read(environ)
            except (OSError, UnicodeDecodeError) as error:
                self.problems.append(_unreadable(secret, error))
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


def _unreadable(secret: Secret, error: Exception) -> ConfigProblem:
    reason = error.strerror if isinstance(error, OSError) else "not text"
    return ConfigProblem(
        where="secret file",
        line=0,
        key=".".join(secret.path) + _FILE_SUFFIX,
        found=f"{secret.file or secret.variable + '_FILE'}: {reason}",
        allowed="a readable text file that contains only the secret",
    )


def _file_digest(file: str) -> str:
    try:
        text = Path(file).read_text().strip()
    except (OSError, UnicodeDecodeError):
        return ""
    return _digest(text) if text else ""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
