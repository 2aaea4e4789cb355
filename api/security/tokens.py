"""Load the admin plane's tokens from the environment, else from files."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import SecretStr

from breakerd.api.settings import ApiSettings
from breakerd.breaker.config.file.reading import FileReadError, read_secret_text
from breakerd.breaker.errors import ConfigError, ConfigProblem

TOKEN_VARIABLE: Final = "BREAKERD_TOKEN"  # noqa: S105 - a name
READ_TOKEN_VARIABLE: Final = "BREAKERD_READ_TOKEN"  # noqa: S105 - a name


@dataclass(frozen=True, slots=True)
class Tokens:
    """Accepted tokens; None for a kind that is not set. False if neither is set."""

    full: SecretStr | None = None
    read: SecretStr | None = None

    @classmethod
    def load(
        cls, settings: ApiSettings | None = None, environment: Mapping[str, str] | None = None
    ) -> "Tokens":
        """Return the tokens of the environment, else of the files that the settings name.

        Args:
            settings: settings that name the files; by default no files.
            environment: by default this process's.

        Raises:
            ConfigError: a file cannot be read or is empty, or a token cannot be sent.
        """
        settings = settings or ApiSettings()
        environment = os.environ if environment is None else environment
        return cls(
            full=_load_token(environment, TOKEN_VARIABLE, settings.token_file, "api.token_file"),
            read=_load_token(
                environment, READ_TOKEN_VARIABLE, settings.read_token_file, "api.read_token_file"
            ),
        )

    def __bool__(self) -> bool:
        return self.full is not None or self.read is not None


def _load_token(
    environment: Mapping[str, str], variable: str, file: str | None, key: str
) -> SecretStr | None:
    if value := environment.get(variable, "").strip():
        if not value.isprintable():
            raise _token_error(variable, _UNPRINTABLE, _ALLOWED)
        return SecretStr(value)
    if file is None:
        return None
    try:
        value = read_secret_text(file)
    except FileReadError as error:
        found = f"a file that cannot be read: {error}"
        raise _token_error(key, found, _ALLOWED_FILE) from None
    if not value:
        raise _token_error(key, "an empty file", _ALLOWED_FILE)
    if not value.isprintable():
        raise _token_error(key, f"a file that contains {_UNPRINTABLE}", _ALLOWED_FILE)
    return SecretStr(value)


_UNPRINTABLE: Final = (
    "a token that no header can hold: it has line breaks or other control characters"
)
_ALLOWED: Final = "a token on one line"
_ALLOWED_FILE: Final = f"the path of a file that contains {_ALLOWED}"


def _token_error(key: str, found: str, allowed: str) -> ConfigError:
    """Return the error; it does not show a path, which may be the token itself."""
    return ConfigError([ConfigProblem("settings", 0, key, found, allowed)])
