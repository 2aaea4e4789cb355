"""Events of breakers in the words of the record."""

from typing import Final

from breakerd.breaker.events.event_data import event_data
from breakerd.breaker.events.events import (
    CandidateSettled,
    CandidateTransition,
    Event,
    RecoveryStep,
    SettingsChanged,
    ShadowTransition,
    StateChange,
    ThresholdBreached,
    ThresholdCleared,
)
from breakerd.breaker.events.setting_changes import changes_text
from breakerd.breaker.events.wording import share
from breakerd.breaker.record import event as kinds
from breakerd.breaker.record.event import RecordEvent

_MAX_TEXT: Final = 2000
"""Maximum length of a text; the rest of it is in the data."""


def record_event(event: Event) -> RecordEvent | None:
    """Return an event of a breaker for the record; None for one that is not of the breaker."""
    described = _describe(event)
    if described is None:
        return None
    kind, text = described
    return RecordEvent(
        time=event.at,
        breaker=event.breaker,
        kind=kind,
        text=text[:_MAX_TEXT],
        data=event_data(event),
    )


def _describe(event: Event) -> tuple[str, str] | None:
    """Return kind and text of an event; None for one that is not recorded."""
    match event:
        case CandidateTransition() | CandidateSettled():
            return kinds.CANDIDATE, _candidate(event)
        case StateChange():
            return kinds.TRANSITION, _transition(event)
        case ThresholdBreached() | ThresholdCleared():
            what = "breached" if isinstance(event, ThresholdBreached) else "cleared"
            return kinds.SIGNAL, f"{event.signal.value} {what}: {event.evidence.sentence()}"
        case RecoveryStep():
            way = "on to" if event.forward else "back to"
            return kinds.RECOVERY, f"ramp {way} {share(event.share)} of the calls" + _because(event)
        case SettingsChanged():
            return kinds.SETTINGS, f"settings in force: {changes_text(event.changed)}"
        case _:
            return None


def _candidate(event: CandidateTransition | CandidateSettled) -> str:
    if isinstance(event, CandidateTransition):
        return f"candidate: {_transition(event)}"
    return f"promised promotion is {event.outcome}: {event.text}"


def _transition(event: StateChange) -> str:
    shadow = " (observed only)" if isinstance(event, ShadowTransition) else ""
    drill = " (drill)" if event.drill else ""
    asked = f", asked by {event.actor}" if event.actor else ""
    note = f": {event.note}" if event.note else ""
    change = f"{event.from_state.value} → {event.to_state.value}, {event.reason.value}"
    return f"{change}{shadow}{drill}{_because(event)}{asked}{note}"


def _because(event: StateChange | RecoveryStep) -> str:
    return "".join(f": {each.sentence()}" for each in event.evidence[:1])
