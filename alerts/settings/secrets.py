"""Where secrets come from: variables of the environment, files beside them, the settings."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from breakerd.breaker.errors import ConfigProblem

_SECRETS: Final = ("key", "url")
_OPSGENIE: Final = ("opsgenie", "api_key")
_ENDING: Final = "_file"


@dataclass(frozen=True, slots=True)
class Secret:
    """One secret: `path` is where it stands in the file, `variable` what wins over that.

    A second variable, and a second key of the file, with `_FILE` or `_file` at its end, names a
    file that holds it.
    """

    path: tuple[str, ...]
    variable: str
    file: str = ""

    def found(self, environ: Mapping[str, str]) -> tuple[str, str]:
        """What it is, and the file that it was read from; each empty if there is none.

        Raises:
            OSError: the file cannot be read.
        """
        if value := environ.get(self.variable, "").strip():
            return value, ""
        file = environ.get(f"{self.variable}_FILE", "").strip() or self.file
        return (Path(file).read_text().strip(), file) if file else ("", "")


class Secrets:
    """The secrets that stand outside the file of settings, and whether they have changed.

    Args:
        data: the file of settings.
        environ: the environment's variables.
    """

    def __init__(self, data: Mapping[str, Any], environ: Mapping[str, str]) -> None:
        self.values: dict[tuple[str, ...], str] = {}
        """What was found, by where it would stand in the file of settings."""
        self.problems: list[ConfigProblem] = []
        self._files: dict[str, str] = {}
        for secret in _all_secrets(data):
            try:
                value, file = secret.found(environ)
            except (OSError, UnicodeDecodeError) as error:
                self.problems.append(_unreadable(secret, error))
                continue
            if value:
                self.values[secret.path] = value
            if file:
                self._files[file] = _digest(value)

    def changed(self) -> bool:
        """Whether a file holds something else by now; one that holds nothing readable has not."""
        return any(_read(file) not in {digest, ""} for file, digest in self._files.items())


def _all_secrets(data: Mapping[str, Any]) -> Iterator[Secret]:
    opsgenie = _table(data, "opsgenie")
    yield Secret(_OPSGENIE, "OPSGENIE_API_KEY", _text(opsgenie, "api_key_file"))
    for kind, named in _table(_table(data, "alerts"), "sinks").items():
        for name, sink in named.items() if isinstance(named, Mapping) else ():
            for secret in _SECRETS:
                variable = f"BREAKERD_{kind}_{name}_{secret}".upper().replace("-", "_")
                path = ("alerts", "sinks", kind, name, secret)
                yield Secret(path, variable, _text(sink, secret + _ENDING))


def _table(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = data.get(name, {})
    return found if isinstance(found, Mapping) else {}


def _text(table: object, name: str) -> str:
    found = table.get(name, "") if isinstance(table, Mapping) else ""
    return found if isinstance(found, str) else ""


def _unreadable(secret: Secret, error: Exception) -> ConfigProblem:
    reason = error.strerror if isinstance(error, OSError) else "it is not text"
    return ConfigProblem(
        where="secret file",
        line=0,
        key=".".join(secret.path) + _ENDING,
        found=f"{secret.file or secret.variable + '_FILE'}: {reason}",
        allowed="a file that can be read, and holds nothing but the secret",
    )


def _read(file: str) -> str:
    try:
        text = Path(file).read_text().strip()
    except (OSError, UnicodeDecodeError):
        return ""
    return _digest(text) if text else ""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
