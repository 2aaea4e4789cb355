"""Configuration of alerting: follows its sections of the file, and the secret files they name."""

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from breakerd.alerts.settings.alerting import (
    ALERTS_SECTION,
    OPSGENIE_SECTION,
    AlertingSettings,
    read_settings,
)
from breakerd.alerts.settings.secrets import read_secrets
from breakerd.breaker.config import ConfigFile, Document, Key, WarningLog
from breakerd.breaker.errors import ConfigError, ConfigProblem
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)

_SECRETS_INTERVAL: Final = 2.0
"""Seconds between two checks of the secret files."""


class AlertingConfigSubscriber:
    """Applies `[opsgenie]` and `[alerts]` of a file. `follow_secrets` is for one thread.

    Args:
        config: the file.
        owned: True if nobody else watches the file.
        present: returns the present settings.
        apply: applies new settings.
        database_problem: returns why a database cannot be used; empty if it can.
    """

    def __init__(
        self,
        config: ConfigFile,
        *,
        owned: bool,
        present: Callable[[], AlertingSettings],
        apply: Callable[[AlertingSettings], None],
        database_problem: Callable[[str], str],
    ) -> None:
        self._config = config
        self._owned = owned
        self._present = present
        self._apply = apply
        self._database_problem = database_problem
        self._secrets = read_secrets(config.document)
        self._secrets_checked_at = float("-inf")
        self._warnings = WarningLog(__name__)
        self._subscribed = False

    def owns(self, section: str) -> bool:
        """Return True for `[opsgenie]` and `[alerts]`."""
        return section in {OPSGENIE_SECTION, ALERTS_SECTION}

    def prepare(self, document: Document) -> Callable[[], None]:
        """Check both sections; return the step that applies them.

        Raises:
            ConfigError: every problem in them, or incidents cannot move to another `database`.
        """
        settings, secrets = read_settings(document), read_secrets(document)
        database = settings.alerts.database
        moves = database != self._present().alerts.database
        if moves and (found := self._database_problem(database)):
            raise ConfigError([_database_refused(document, found)])

        def apply() -> None:
            self._secrets = secrets
            self._warnings.tell(settings.warnings)
            if settings != self._present():
                self._apply(settings)

        return apply

    def subscribe(self) -> None:
        """Apply the file from now on, unless that is done already.

        Raises:
            ConfigError: every problem in both sections.
        """
        if not self._subscribed:
            self._config.subscribe(self)
            self._subscribed = True

    def unsubscribe(self) -> None:
        """Apply the file no more; no effect if that is so already."""
        if self._subscribed:
            self._subscribed = False
            self._config.unsubscribe(self)

    def watch(self) -> None:
        """Watch the file in this process, unless its owner does."""
        if self._owned:
            self._config.watch()

    def unwatch(self) -> None:
        """End what `watch` has begun in this process."""
        if self._owned:
            self._config.close()

    @property
    def path(self) -> Path:
        """Path of the file."""
        return self._config.path

    @property
    def document(self) -> Document:
        """The active content of the file."""
        return self._config.document

    def change(self, changes: Mapping[Key, object]) -> None:
        """Change keys of the file, and apply them, also while the file is not followed.

        Raises:
            ConfigError: a value is invalid; nothing was changed.
            ConfigConflictError: the file cannot be edited now; nothing was changed.
            ConfigWriteError: the change is active, but could not be written to the file.
        """
        self._config.change(changes)
        if not self._subscribed:
            self.prepare(self._config.document)()

    def follow_secrets(self) -> None:
        """Apply secrets that have changed in their files; checked every 2 s."""
        now = time.monotonic()
        if now < self._secrets_checked_at + _SECRETS_INTERVAL:
            return
        self._secrets_checked_at = now
        if not self._secrets.changed():
            return
        try:
            self.prepare(self._config.document)()
        except ConfigError as error:
            self._secrets = read_secrets(self._config.document)
            _log.error("secret reload failed", problem=str(error))
        else:
            _log.info("secret reloaded")


def _database_refused(document: Document, found: str) -> ConfigProblem:
    key = (ALERTS_SECTION, "database")
    allowed = "a file that incidents can be stored in"
    return ConfigProblem(str(document.path), document.line_of(key), ".".join(key), found, allowed)


class SecretsThread:
    """Thread that follows the secret files: their disk may hang.

    Args:
        follow: checks them once.
    """

    def __init__(self, follow: Callable[[], None]) -> None:
        self._follow = follow
        self._closed = threading.Event()

    def start(self) -> None:
        """Start it.

        Raises:
            RuntimeError: the thread cannot be started.
        """
        threading.Thread(target=self._run, name="breakerd-secrets", daemon=True).start()

    def stop(self) -> None:
        """End it after the present check."""
        self._closed.set()

    def _run(self) -> None:
        while not self._closed.wait(_SECRETS_INTERVAL):
            try:
                self._follow()
            except Exception:  # noqa: BLE001 - the next attempt may succeed
                _log.exception("secret reload failed")
