"""Secrets kept outside the file of settings: in environment variables and in files of their own."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from breakerd.breaker.config.document import Document
from breakerd.breaker.config.file.reading import FileReadError, read_secret_text
from breakerd.breaker.errors import ConfigProblem

FILE_SUFFIX: Final = "_file"
"""End of a key that names the file of a secret."""
ENVIRONMENT: Final = "environment"
"""Place of a problem that is in an environment variable."""


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
        secrets: where each may be found.
        document: the file of settings; None if there is none.
        environ: environment variables.
    """

    def __init__(
        self, secrets: Iterable[Secret], document: Document | None, environ: Mapping[str, str]
    ) -> None:
        self.values: dict[tuple[str, ...], str] = {}
        """Secrets by their path in the file of settings."""
        self.problems: list[ConfigProblem] = []
        self._files: dict[str, str] = {}
        for secret in secrets:
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


def _unreadable(secret: Secret, found: str, document: Document | None) -> ConfigProblem:
    """Return the problem of a secret file; its path is not shown, it may be the secret itself."""
    key = (*secret.path[:-1], secret.path[-1] + FILE_SUFFIX)
    in_file = bool(secret.file) and document is not None
    return ConfigProblem(
        where=str(document.path) if document and in_file else ENVIRONMENT,
        line=document.line_of(key) if document and in_file else 0,
        key=".".join(key) if in_file else f"{secret.variable}{FILE_SUFFIX.upper()}",
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
