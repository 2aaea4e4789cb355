"""Operators' commands to alerting: silences, drills of a page, dead letters."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from breakerd.alerts.incidents.page_drill import PageDrill
from breakerd.alerts.lifecycle import Lifecycle
from breakerd.alerts.model.matchers import Matcher
from breakerd.alerts.model.silence import Silence, SilenceRequest
from breakerd.alerts.model.stage import Priority
from breakerd.alerts.reader import AlertingReader
from breakerd.alerts.runtime import AlertingRuntime
from breakerd.alerts.settings.alerting import AlertingSettings
from breakerd.alerts.silence_preview import SilencePreview, preview_silence
from breakerd.breaker.errors import NotStoredError
from breakerd.breaker.registry import Registry


class AlertingOperations(AlertingReader):
    """Commands of operators, for the process that leads. Thread-safe.

    Args:
        registry: registry of the breakers to observe.
        settings: the settings to begin with.
        lifecycle: what runs in this process.
    """

    def __init__(
        self,
        registry: Registry,
        settings: AlertingSettings,
        lifecycle: Lifecycle[AlertingRuntime],
    ) -> None:
        super().__init__(settings, lifecycle)
        self.registry = registry
        self.on_silence: Callable[[Silence, float], None] = lambda _silence, _now: None
        """Hook that is called with each silence that is added or ended here, and the time."""

    # --- silences

    def add_silence(
        self,
        *,
        author: str,
        reason: str,
        seconds: float,
        breaker: str = "*",
        kind: str = "*",
        matchers: Sequence[str] = (),
        starts_at: float | None = None,
        force: bool = False,
    ) -> str:
        """Mute alerts for a time, and return the silence's id.

        An incident that is still open when the silence ends is notified then.

        Args:
            author: person who adds it.
            reason: reason, shown beside it.
            seconds: duration, 1 s to 90 days.
            breaker: shell pattern of breaker names.
            kind: "open", "memory", "latency", "degraded", or "*" for all.
            matchers: further conditions, such as `Team=payments` or `Environment!=prod`.
            starts_at: seconds since the epoch, at most a year ahead; None for now.
            force: accept a matcher of a label that no alert has.

        Raises:
            ValueError: a value is invalid, no alert has a label of a matcher, the silence is over,
                or there are too many silences.
            NotStoredError: the database cannot be written; there is no silence.
        """
        wanted = SilenceRequest(author, reason, seconds, breaker, kind, tuple(matchers), starts_at)
        runtime = self._runtime
        wanted.to_silence(runtime.now(), "")  # names all that is invalid
        unknown = () if force else self._preview(runtime, wanted.conditions()).unknown_labels
        if unknown:
            raise ValueError(f"{'; '.join(unknown)}; it is taken all the same with force")
        silence = runtime.silences.add(runtime.now(), wanted)
        self.on_silence(silence, runtime.now())
        runtime.worker.wake()
        return silence.id

    def preview_silence(
        self, *, breaker: str = "*", kind: str = "*", matchers: Sequence[str] = ()
    ) -> dict[str, Any]:
        """Return what a silence would mute now, as JSON-able data; see `add_silence`.

        `matches` has the `breakers` of this process that it covers, and the open `incidents` that
        it mutes, each with `id` and `message`. `warnings` names labels and values that nothing has.

        Raises:
            ValueError: a matcher is invalid.
            NotStoredError: alerting does not run in this process.
        """
        wanted = SilenceRequest("", "", 0.0, breaker, kind, tuple(matchers))
        return self._preview(self._runtime, wanted.conditions()).as_dict()

    def _preview(self, runtime: AlertingRuntime, matchers: Sequence[Matcher]) -> SilencePreview:
        names, incidents = self.registry.names(), runtime.incident_log.open()
        return preview_silence(matchers, names, incidents, self.settings)

    def end_silence(self, silence_id: str) -> None:
        """End a silence now.

        Raises:
            KeyError: no silence has that id.
            NotStoredError: the database cannot be written; the silence lasts.
        """
        runtime = self._runtime
        ended = runtime.silences.end(runtime.now(), silence_id)
        self.on_silence(ended, runtime.now())
        runtime.worker.wake()

    def merge_silences(self, of_other_hosts: Callable[[float], Iterable[Silence]]) -> None:
        """Add the silences of other hosts; of two with one id the one that ends first is kept.

        Args:
            of_other_hosts: returns them, given the present time in seconds since the epoch.

        Raises:
            NotStoredError: alerting does not run in this process, or the database cannot be
                written; nothing was changed.
        """
        runtime = self._runtime
        runtime.silences.merge(of_other_hosts(runtime.now()))
        runtime.worker.wake()

    # --- drills

    def drill_page(
        self, breaker: str, priority: Priority = "P1", seconds: float = 60.0, *, by: str = ""
    ) -> str:
        """Page people for a drill through all receivers, and return the incident's id.

        No call is touched. The alert is marked as a drill, and closed after `seconds`.

        Args:
            breaker: name of the breaker that it is about.
            priority: "P1" to "P5".
            seconds: duration, 10 s to 1 h.
            by: who asks for it.

        Raises:
            ValueError: a value is invalid.
            NotStoredError: the database cannot be written; nobody is paged.
        """
        runtime = self._runtime
        drill = PageDrill(breaker, priority, seconds, by)
        incident = drill.open(runtime.now(), self.settings)
        runtime.commands.adopt(incident)
        runtime.worker.wake()
        return incident.id

    # --- dead letters

    def retry(self, incident_id: str) -> int:
        """Requeue the dead letters of an incident; return the number of receivers.

        Raises:
            KeyError: no incident has that id.
            NotStoredError: the database cannot be written; nothing was changed.
        """
        runtime = self._runtime
        found = len(runtime.incident_log.get(incident_id).dead_letters)
        if found:
            runtime.commands.retry(incident_id)
            runtime.worker.wake()
        return found

    def discard(self, incident_id: str, author: str, reason: str) -> int:
        """Discard the dead letters of an incident; return the number of receivers.

        Args:
            incident_id: id of the incident.
            author: person who discards them.
            reason: reason, shown in the incident.

        Raises:
            KeyError: no incident has that id.
            NotStoredError: the database cannot be written; nothing was changed.
        """
        runtime = self._runtime
        found = len(runtime.incident_log.get(incident_id).dead_letters)
        if found:
            runtime.commands.discard(incident_id, author, reason)
            runtime.worker.wake()
        return found

    @property
    def _runtime(self) -> AlertingRuntime:
        """Object that runs in this process.

        Raises:
            NotStoredError: nothing does.
        """
        runtime = self._lifecycle.current
        if runtime is None:
            raise NotStoredError(f"nothing can be stored: {self._lifecycle.reason}")
        return runtime
