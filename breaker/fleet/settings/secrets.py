"""Passwords of the hub, kept outside the settings: in variables and in files of their own."""

import hashlib
from collections.abc import Mapping
from typing import Final

from breakerd.breaker.config import Document
from breakerd.breaker.config.file.reading import FileReadError, read_secret_text
from breakerd.breaker.errors import ConfigProblem
from breakerd.breaker.fleet.settings.hub_address import PASSWORD_VARIABLE

SECTION: Final = "fleet"
ENVIRONMENT: Final = "environment"
VARIABLES: Final = {
    "password": PASSWORD_VARIABLE,
    "sentinel_password": "BREAKERD_FLEET_SENTINEL_PASSWORD",
}
"""Variable of each secret of `[fleet]`; the same name with `_FILE` names a file that holds it."""


class FleetSecrets:
    """Passwords found outside the file of settings, read once, and whether they changed since.

    A variable wins over a file, and both over the setting itself.

    Args:
        section: `[fleet]` of the file.
        document: the file; None if there is none.
        environ: environment variables.

    Attributes:
        values: the passwords by their keys in `[fleet]`.
        problems: files that cannot be read.
    """

    def __init__(
        self, section: Mapping[str, object], document: Document | None, environ: Mapping[str, str]
    ) -> None:
        self.values: dict[str, str] = {}
        self.problems: list[ConfigProblem] = []
        self._digests: dict[str, str] = {}
        for key, variable in VARIABLES.items():
            if value := environ.get(variable, "").strip():
                self.values[key] = value
                continue
            named = environ.get(f"{variable}_FILE", "").strip()
            own = section.get(f"{key}_file")
            file = named or (own if isinstance(own, str) else "")
            if not file:
                continue
            try:
                value = read_secret_text(file)
            except FileReadError as error:
                where = None if named else document
                self.problems.append(_unreadable(key, variable, str(error), where))
                continue
            self._digests[file] = _digest(value)
            if value:
                self.values[key] = value

    def changed(self) -> bool:
        """Return True if a file has new content; an unreadable or empty one is unchanged."""
        return any(_file_digest(file) not in {old, ""} for file, old in self._digests.items())


def _unreadable(key: str, variable: str, found: str, document: Document | None) -> ConfigProblem:
    """Return the problem of a file; its path is not shown, it may be the password itself."""
    path = (SECTION, f"{key}_file")
    return ConfigProblem(
        where=str(document.path) if document else ENVIRONMENT,
        line=document.line_of(path) if document else 0,
        key=".".join(path) if document else f"{variable}_FILE",
        found=f"a file that cannot be read: {found}",
        allowed="the path of a readable text file that contains only the password",
    )


def _file_digest(file: str) -> str:
    try:
        text = read_secret_text(file)
    except FileReadError:
        return ""
    return _digest(text) if text else ""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
