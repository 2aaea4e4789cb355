"""Settings of the record: `[history]` in the file, and the file that they choose."""

import re
from pathlib import Path
from typing import Final

from breakerd.breaker.config import Document, validate
from breakerd.breaker.config.show_value import show_value
from breakerd.breaker.errors import ConfigError, ConfigProblem
from breakerd.breaker.settings import SettingsModel, setting

SECTION: Final = "history"
_ALERTS: Final = "alerts"
_DATABASE: Final = "var/breakerd.db"
"""Default of `[alerts] database`, which need not be installed here."""
_DURATION: Final = r"^[1-9][0-9]{0,3}[hd]$"
_SECONDS: Final = {"h": 3600.0, "d": 86_400.0}
_TABLE: Final = {"type": "object"}


class HistorySettings(SettingsModel):
    """Record of the breakers of a host: calls by the slot, and events (`[history]`)."""

    enabled: bool = setting(
        True, "Whether calls and events are kept on disk. False: in memory only, for an hour."
    )
    file: str = setting(
        "",
        "SQLite file of the record, one for all processes of a host. Empty: beside the database of "
        "`[alerts]`, as `breakerd-history.db`.",
        max_length=4000,
    )
    keep: str = setting(
        "7d",
        "How long calls are kept by the minute, and events: a number with h or d.",
        pattern=_DURATION,
        shown=True,
    )
    keep_fine: str = setting(
        "1d",
        "How long calls are kept by slots of ten seconds: a number with h or d. At most `keep`.",
        pattern=_DURATION,
        shown=True,
    )
    max_mb: int = setting(
        512,
        "Maximum size of the file. Above it the finest and oldest slots go first, then those of a "
        "minute, then events.",
        unit="MB",
        ge=8,
        le=1_000_000,
    )

    @property
    def keep_seconds(self) -> float:
        """Return `keep` in seconds."""
        return _seconds(self.keep)

    @property
    def keep_fine_seconds(self) -> float:
        """Return `keep_fine` in seconds."""
        return min(_seconds(self.keep_fine), self.keep_seconds)


def read_history_section(document: Document | None) -> HistorySettings:
    """Return `[history]` of a file; the defaults without one.

    Raises:
        ConfigError: every problem in the section.
    """
    section = document.data.get(SECTION, {}) if document else {}
    if document is not None and not isinstance(section, dict):
        found, line = show_value(section, _TABLE), document.line_of((SECTION,))
        raise ConfigError(
            [ConfigProblem(str(document.path), line, SECTION, found, f"a table [{SECTION}]")]
        )
    data = section if isinstance(section, dict) else {}
    return validate(HistorySettings, data, document=document, prefix=(SECTION,))


def record_file(document: Document | None, folder: Path | None = None) -> Path:
    """Return the file of the record, absolute.

    Args:
        document: the file of settings; None for the defaults.
        folder: folder of relative paths; by default the working folder.

    Raises:
        ConfigError: `[history]` is invalid.
    """
    base = Path.cwd() if folder is None else folder
    chosen = read_history_section(document).file
    if chosen:
        return base / chosen
    return record_beside(base / _database(document))


def record_beside(database: Path) -> Path:
    """Return the file of the record where none is chosen: beside the database of alerts."""
    return database.with_name(f"{database.stem}-history{database.suffix}")


def _database(document: Document | None) -> str:
    section = document.data.get(_ALERTS, {}) if document else {}
    found = section.get("database") if isinstance(section, dict) else None
    return found if isinstance(found, str) and found else _DATABASE


def _seconds(duration: str) -> float:
    number, unit = re.fullmatch(r"(\d+)([hd])", duration).groups()  # type: ignore[union-attr]  # checked by the pattern
    return int(number) * _SECONDS[unit]
