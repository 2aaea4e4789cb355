"""Read the whole TOML file: check the sections of all three packages together."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from os import PathLike
from typing import Final, TypeVar

from pydantic import BaseModel

from breakerd.alerts.settings.alerting import AlertingSettings, read_settings
from breakerd.alerts.settings.change import SECTIONS as ALERTING_SECTIONS
from breakerd.api.settings import ApiSettings
from breakerd.breaker.config import (
    BreakerSections,
    ConfigWarning,
    Document,
    read_document,
    read_sections,
    validate,
)
from breakerd.breaker.config_log.masking import Masker
from breakerd.breaker.errors import ConfigError, ConfigProblem
from breakerd.breaker.fleet.settings.fleet_settings import FleetSettings
from breakerd.breaker.fleet.settings.reading import read_fleet_section
from breakerd.breaker.fleet.settings.secrets import SECTION as FLEET_SECTION
from breakerd.breaker.record.settings import SECTION as HISTORY_SECTION
from breakerd.breaker.record.settings import HistorySettings, read_history_section

T = TypeVar("T")

SECTION: Final = "api"
SECTIONS: Final[Mapping[str, type[BaseModel]]] = {
    **ALERTING_SECTIONS, SECTION: ApiSettings, HISTORY_SECTION: HistorySettings
}  # fmt: skip
"""Settings models of the sections that concern the whole process."""
SECTION_MODELS: Final[Mapping[str, type[BaseModel]]] = {
    **ALERTING_SECTIONS,
    SECTION: ApiSettings,
    FLEET_SECTION: FleetSettings,
    HISTORY_SECTION: HistorySettings,
}
"""Settings models of all sections beside those of breakers: for the schema and the reference."""

MASKER: Final = Masker(SECTION_MODELS)
"""Masks the secrets of a file."""


@dataclass(frozen=True, slots=True)
class FileSettings:
    """All settings in a file."""

    breakers: BreakerSections
    alerting: AlertingSettings
    api: ApiSettings
    fleet: FleetSettings
    history: HistorySettings

    @property
    def warnings(self) -> list[ConfigWarning]:
        """Return the values that were tolerated, in the order of the file."""
        both = [*self.breakers.warnings, *self.alerting.warnings]
        return sorted(both, key=lambda warning: warning.line)


def read_file(path: str | PathLike[str]) -> FileSettings:
    """Read a file and check every section of it.

    Raises:
        ConfigError: every problem in the file, ordered by line.
    """
    return settings_of(read_document(str(path)))


def settings_of(document: Document) -> FileSettings:
    """Check every section of a file that was read.

    Raises:
        ConfigError: every problem in the file, ordered by line.
    """
    problems: list[ConfigProblem] = []
    breakers = _collect(problems, lambda: read_sections(document))
    alerting = _collect(problems, lambda: read_settings(document))
    api = _collect(problems, lambda: read_api_section(document))
    fleet = _collect(problems, lambda: read_fleet_section(document))
    history = _collect(problems, lambda: read_history_section(document))
    if breakers is None or alerting is None or api is None or fleet is None or history is None:
        raise ConfigError(sorted(problems, key=lambda problem: problem.line))
    return FileSettings(breakers, alerting, api, fleet, history)


class ApiSectionCheck:
    """Subscriber to a file that checks `[api]` where no admin plane follows it."""

    def owns(self, section: str) -> bool:
        """Return True for `[api]`."""
        return section == SECTION

    def prepare(self, document: Document) -> Callable[[], None]:
        """Check the section; there is nothing to apply.

        Raises:
            ConfigError: every problem in the section.
        """
        read_api_section(document)
        return _nothing


def read_api_section(document: Document) -> ApiSettings:
    """Read and check `[api]`.

    Raises:
        ConfigError: every problem in the section.
    """
    problems = []
    data = document.data.get(SECTION, {})
    if not isinstance(data, dict):
        line = document.line_of((SECTION,))
        problems.append(
            ConfigProblem(
                str(document.path),
                line,
                SECTION,
                "a value that is not shown",
                f"a table [{SECTION}]",
            )
        )
        data = {}
    settings = _collect(
        problems, lambda: validate(ApiSettings, data, document=document, prefix=(SECTION,))
    )
    if problems or settings is None:
        raise ConfigError(problems)
    return settings


def _collect(problems: list[ConfigProblem], read: Callable[[], T]) -> T | None:
    try:
        return read()
    except ConfigError as error:
        problems += error.problems
        return None


def _nothing() -> None:
    """Apply nothing."""
