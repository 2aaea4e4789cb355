"""Who is told at present, what they are owed, and how telling them goes."""

from collections import Counter

from alerts import policy
from alerts.dispatcher import Dispatcher
from alerts.incident import Incident
from alerts.ledger import Ledger
from alerts.settings import AlertingSettings
from alerts.sinks import Sink
from alerts.sinks.log import LogSink
from alerts.sinks.opsgenie import OpsGenieSink, address_of
from breaker.log import get_logger

_log = get_logger("alerts")


class Outbox:
    """Delivers a ledger's incidents to the receiver that the settings ask for.

    Without one, that is the log: it pages nobody, and says so.
    """

    def __init__(self, ledger: Ledger, settings: AlertingSettings) -> None:
        self._ledger = ledger
        self._settings = settings
        self._counts: Counter[tuple[str, str]] = Counter()
        self._retired: list[Sink] = []
        self._dispatcher = self._make_dispatcher()

    def run(self, now: float) -> None:
        """Delivers some of what is due. For one thread."""
        while self._retired:
            self._retired.pop().close()
        dispatcher = self._dispatcher
        if dispatcher.sink.pages:
            # Whoever could only read it in the log was not told.
            self._ledger.forget(LogSink.name)
        dispatcher.run(now, self._ledger, lambda incident: self._ledger.silenced(incident, now))

    def switch(self, settings: AlertingSettings) -> None:
        """Changes the receiver, if these settings ask for another."""
        before, self._settings = self._settings, settings
        if _receiver(before) != _receiver(settings):
            # The thread that delivers may be using it just now, so it is closed there.
            self._retired.append(self._dispatcher.sink)
            self._dispatcher = self._make_dispatcher()
            self.say_who_is_told()

    def owing(self, now: float) -> list[Incident]:
        """The incidents of which the receiver does not know all it should by now."""
        return [i for i in self._ledger if i.owes(self.receiver, now)]

    @property
    def receiver(self) -> str:
        """Who is told, as in metrics."""
        return self._dispatcher.sink.name

    @property
    def paging(self) -> bool:
        """Whether a person hears of incidents."""
        return self._dispatcher.sink.pages and not self._dispatcher.refused

    @property
    def counts(self) -> dict[tuple[str, str], int]:
        """Deliveries by (sink, outcome)."""
        return dict(self._counts)

    def why_nobody(self) -> str:
        """Why nobody is paged; empty if somebody is."""
        opsgenie, refused = self._settings.opsgenie, self._dispatcher.refused
        if not policy.sends(opsgenie):
            return "nobody is being paged: [opsgenie] enabled is false"
        if opsgenie.api_key is None:
            return "nobody is being paged: OPSGENIE_API_KEY is not set"
        return f"nobody is being paged: OpsGenie refuses the key ({refused})" if refused else ""

    def given_up(self) -> list[str]:
        """The alerts that the receiver will never take, in sentences."""
        return [
            f"alert {incident.alias} was given up: {delivery.dead}"
            for incident in self._ledger
            for delivery in list(incident.deliveries.values())
            if delivery.dead
        ]

    def say_who_is_told(self) -> None:
        """Writes it into the log, loudly if it is nobody."""
        if problem := self.why_nobody():
            _log.warning(problem)
        else:
            _log.info("alerts are sent", receiver=self.receiver)

    def close(self) -> None:
        """Lets go of connections."""
        for sink in (*self._retired, self._dispatcher.sink):
            sink.close()

    def _make_dispatcher(self) -> Dispatcher:
        sink, limit = _make_sink(self._settings), self._settings.alerts.retry_limit
        return Dispatcher(sink, limit, self._ledger.save, self._counts)


def _make_sink(settings: AlertingSettings) -> Sink:
    opsgenie = settings.opsgenie
    if policy.sends(opsgenie) and opsgenie.api_key is not None:
        return OpsGenieSink(opsgenie, settings.alerts.request_timeout)
    return LogSink()


def _receiver(settings: AlertingSettings) -> tuple[object, ...]:
    """What of the settings makes another receiver."""
    opsgenie, alerts = settings.opsgenie, settings.alerts
    limits = (alerts.request_timeout, alerts.retry_limit)
    return policy.sends(opsgenie), opsgenie.api_key, address_of(opsgenie), limits
