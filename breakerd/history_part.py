"""Record of a `Breakerd`: what its process adds to that of its host, as `[history]` says."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, Final

from breakerd.breaker.config import Document
from breakerd.breaker.events.events import Event
from breakerd.breaker.record.event import ACT, ALERT, RELOAD, RecordEvent
from breakerd.breaker.record.event_source import record_event
from breakerd.breaker.record.record import Record
from breakerd.breaker.record.settings import SECTION, read_history_section, record_file

if TYPE_CHECKING:
    from breakerd.alerts.alerting import Alerting
    from breakerd.alerts.delivery.journal import AlertStep
    from breakerd.api.security.audit import AuditEntry
    from breakerd.breaker.errors import ConfigProblem
    from breakerd.breaker.registry import Registry


_MAX_TEXT: Final = 2000
"""Maximum length of the text of a refusal; all problems are in its data."""


class HistoryPart:
    """Part of a process: its share of the record of the host.

    Args:
        registry: the breakers, with the file that `[history]` is in.
        alerting: alerting whose steps are recorded; None if there is none.
        keeps: False: nothing is written, whatever `[history]` says.

    Attributes:
        record: the record; None if it was left out.

    Raises:
        ConfigError: `[history]` is invalid.
    """

    def __init__(
        self, registry: "Registry", alerting: "Alerting | None", *, keeps: bool = True
    ) -> None:
        config = registry.config
        document = config.document if config is not None else None
        folder = Path.cwd()  # a daemon changes its folder later
        settings = read_history_section(document)
        self._registry = registry
        self._unsubscribe: Callable[[], None] | None = None
        self.record = Record(registry, settings, record_file(document, folder)) if keeps else None
        if config is not None:
            config.subscribe(_Subscriber(self.record, folder))
            config.outcomes.on_refused = self._note_refusal
        if self.record is not None:
            registry.report_not_running(self.record.not_running)
            if alerting is not None:
                alerting.journal.tell = self._note_step

    def start(self) -> None:
        """Record from now on, in the background."""
        if self.record is None:
            return
        if self._unsubscribe is None:
            self._unsubscribe = self._registry.subscribe(self._note)
        self.record.start()

    def close(self) -> None:
        """Write what is left, and end."""
        if self.record is None:
            return
        unsubscribe, self._unsubscribe = self._unsubscribe, None
        if unsubscribe is not None:
            unsubscribe()
        self.record.close()

    def note_act(self, entry: "AuditEntry") -> None:
        """Record an entry of the audit log."""
        if self.record is None:
            return
        who = entry["user"] or entry["client"]
        outcome = "" if entry["outcome"] == "done" else f" ({entry['outcome']})"
        detail = f": {entry['detail']}" if entry["detail"] else ""
        self.record.add(
            RecordEvent(
                time=datetime.fromisoformat(entry["at"]).timestamp(),
                breaker=entry["breaker"],
                kind=ACT,
                text=f"{entry['action']} by {who}{outcome}{detail}",
                data={"type": "AuditEntry", **entry},
            )
        )

    def _note(self, event: Event) -> None:
        if self.record is not None and (found := record_event(event)) is not None:
            self.record.add(found)

    def _note_refusal(self, problems: "Sequence[ConfigProblem]") -> None:
        if self.record is not None:
            lines = [str(each) for each in problems]
            self.record.add(
                RecordEvent(
                    time=time(),
                    breaker=None,
                    kind=RELOAD,
                    text=f"the file was refused: {'; '.join(lines)}"[:_MAX_TEXT],
                    data={"type": "ReloadRefused", "problems": lines},
                )
            )

    def _note_step(self, step: "AlertStep") -> None:
        if self.record is not None:
            data = {"type": "AlertStep", **step.as_dict()}
            self.record.add(
                RecordEvent(
                    time=time(), breaker=step.breaker, kind=ALERT, text=step.sentence(), data=data
                )
            )


class _Subscriber:
    """Applies `[history]`, and the place of alerting's database, beside which the record is."""

    def __init__(self, record: Record | None, folder: Path) -> None:
        self._record = record
        self._folder = folder

    def owns(self, section: str) -> bool:
        """Return True for `[history]`, and for `[alerts]`."""
        return section in {SECTION, "alerts"}

    def prepare(self, document: Document) -> Callable[[], None]:
        """Check the section, and return the function that applies it.

        Raises:
            ConfigError: every problem in the section.
        """
        settings, path = read_history_section(document), record_file(document, self._folder)

        def apply() -> None:
            if self._record is not None:
                self._record.apply(settings, path)

        return apply
