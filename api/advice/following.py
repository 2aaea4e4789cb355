"""Log what is unwise in the file that a process follows."""

from collections.abc import Callable
from typing import Final

from breakerd.api.advice.advise import Advice, advise
from breakerd.api.advice.rule import Subject
from breakerd.api.file_settings import settings_of
from breakerd.breaker.config import Document
from breakerd.breaker.errors import ConfigError
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)

UNWISE: Final = "configuration unwise"


class AdviceSubscriber:
    """Subscriber to a file that logs its warnings once, at the start and when it brings new ones.

    It owns no section and refuses nothing: whatever goes wrong here, the file is applied.
    """

    def __init__(self) -> None:
        self._told: frozenset[tuple[str, str]] = frozenset()

    def owns(self, section: str) -> bool:  # noqa: ARG002 - as the protocol has it
        """Return False."""
        return False

    def prepare(self, document: Document) -> Callable[[], None]:
        """Look at the file; return the function that logs what is new."""
        try:
            found = advise(Subject(document, settings_of(document)))
        except ConfigError:
            found = []  # whoever owns the section refuses the file
        except Exception:  # noqa: BLE001 - advice must not keep a file from being applied
            _log.exception("configuration not looked at")
            found = []
        return lambda: self._tell(found)

    def _tell(self, found: list[Advice]) -> None:
        for advice in found:
            if (advice.rule, advice.key) not in self._told:
                # In parts: what follows `token:` in a text is masked.
                place = f"{advice.where}:{advice.line}" if advice.line else advice.where
                _log.warning(
                    UNWISE, rule=advice.rule, place=place, setting=advice.key, reason=advice.text
                )
        self._told = frozenset((advice.rule, advice.key) for advice in found)
