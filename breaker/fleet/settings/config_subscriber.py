"""Follow `[fleet]` of the file, and the secret files that it names, while a process runs."""

import os
from collections.abc import Callable, Mapping
from typing import Final

from breakerd.breaker.config import ConfigFile, Document
from breakerd.breaker.errors import ConfigError
from breakerd.breaker.fleet.settings.fleet_settings import FleetSettings
from breakerd.breaker.fleet.settings.reading import read_fleet_section
from breakerd.breaker.fleet.settings.secrets import SECTION, read_fleet_secrets
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)

_SECRETS_INTERVAL: Final = 2.0
"""Seconds between two checks of the secret files."""


class FleetConfigSubscriber:
    """Applies `[fleet]` of a file. `follow_secrets` is for one thread.

    Args:
        config: the file; None: there is none, and variables say what differs from the defaults.
        apply: takes new settings; cannot fail. None: they are checked, and nobody follows them.
        environ: environment variables.

    Attributes:
        settings: the settings in force.
    """

    def __init__(
        self,
        config: ConfigFile | None,
        apply: Callable[[FleetSettings], None] | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._config = config
        self._apply = apply
        self._environ = environ
        document = config.document if config is not None else None
        self._secrets = read_fleet_secrets(document, environ)
        self._secrets_due = float("-inf")
        self.settings = read_fleet_section(document, environ)

    def owns(self, section: str) -> bool:
        """Return True for `[fleet]`."""
        return section == SECTION

    def prepare(self, document: Document | None) -> Callable[[], None]:
        """Check the section, and return the function that applies it.

        Raises:
            ConfigError: every problem in the section, the variables and the secret files.
        """
        secrets = read_fleet_secrets(document, self._environ)
        settings = read_fleet_section(document, self._environ)

        def apply() -> None:
            self._secrets = secrets
            if settings != self.settings:
                self.settings = settings
                if self._apply is not None:
                    self._apply(settings)

        return apply

    def follow_secrets(self, now: float) -> None:
        """Apply passwords that have changed in their files; looked at every 2 s.

        Args:
            now: time in seconds on a clock that does not jump.
        """
        if now < self._secrets_due:
            return
        self._secrets_due = now + _SECRETS_INTERVAL
        if not self._secrets.changed():
            return
        if self._config is None:
            self._reload_secrets(None)
            return
        with self._config.lock:
            self._reload_secrets(self._config.document)

    def _reload_secrets(self, document: Document | None) -> None:
        try:
            self.prepare(document)()
        except ConfigError as error:
            self._secrets = read_fleet_secrets(document, self._environ)
            _log.error("secret reload failed", problem=str(error))
        else:
            _log.info("secret reloaded")
