"""Preview of a silence: what it matches now, and which of its labels and values nothing has."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final, Self

from breakerd.alerts.content.labels import alert_tags
from breakerd.alerts.incidents import policy
from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.matchers import (
    AUTOMATIC_TAGS,
    INCIDENT_KINDS,
    SUBJECT_LABELS,
    Matcher,
    Subject,
    all_hold,
    near_miss,
    unknown_label,
)
from breakerd.alerts.muting.mute import labels_of, subjects_of
from breakerd.alerts.settings.alerting import AlertingSettings
from breakerd.alerts.settings.opsgenie import OpsGenieSettings
from breakerd.alerts.settings.service_identity import resolve_identity
from breakerd.breaker.states import Reason

_OF_AN_INCIDENT: Final = frozenset({*SUBJECT_LABELS, "AlertType", "Drill"} - {"breaker"})
"""Labels that a breaker without an incident does not have yet."""
_REASONS: Final = (*(reason.value for reason in Reason), *INCIDENT_KINDS)


@dataclass(frozen=True, slots=True)
class SilencePreview:
    """Effect of a silence if it began now.

    Attributes:
        unknown_labels: labels that no alert has, as sentences: the silence is likely a mistake.
        warnings: values that nothing has now, as sentences.
        breakers: names of the breakers whose alerts it could mute.
        incidents: open incidents with a breaker that it mutes.
    """

    unknown_labels: tuple[str, ...]
    warnings: tuple[str, ...]
    breakers: tuple[str, ...]
    incidents: tuple[Incident, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return `warnings` and `matches` as JSON-able data."""
        return {
            "warnings": [*self.unknown_labels, *self.warnings],
            "matches": {
                "breakers": list(self.breakers),
                "incidents": [
                    {"id": each.id, "message": each.content.message} for each in self.incidents
                ],
            },
        }


class _Known:
    """Labels and values that alerts have now, or would have.

    Args:
        labels: labels of an alert about each breaker, by its name.
        incidents: the open incidents.
    """

    def __init__(
        self, labels: Mapping[str, Mapping[str, str]], incidents: Sequence[Incident]
    ) -> None:
        self.labels = labels
        self.subjects = [subjects_of(incident) for incident in incidents]
        self._values: dict[str, dict[str, None]] = {
            name: {} for name in (*SUBJECT_LABELS, *AUTOMATIC_TAGS)
        }
        self._note("breaker", labels)
        self._note("reason", _REASONS)
        open_now = [subject for subjects in self.subjects for subject in subjects]
        for found in [*labels.values(), *(subject.labels for subject in open_now)]:
            for name, value in found.items():
                self._note(name, [value])
        for subject in open_now:
            self._note("breaker", subject.breakers)

    @classmethod
    def now(
        cls, breakers: Iterable[str], incidents: Sequence[Incident], opsgenie: OpsGenieSettings
    ) -> Self:
        """Return what is known of these breakers and of the incidents."""
        identity = resolve_identity(opsgenie)
        labels = {
            name: labels_of(alert_tags(name, policy.OPEN, opsgenie, identity, drill=False))
            for name in breakers
        }
        return cls(labels, incidents)

    def unknown_labels(self, matchers: Iterable[Matcher]) -> Iterable[str]:
        """Yield a sentence for each label that no alert has."""
        return filter(None, (unknown_label(each.name, self._values) for each in matchers))

    def unknown_values(self, matchers: Iterable[Matcher]) -> Iterable[str]:
        """Yield a sentence for each pattern that fits no value of its label."""
        for matcher in matchers:
            values = self._values.get(matcher.name)
            if values is None or matcher.name in {"kind", "priority", "drill"}:
                continue  # the label is unknown itself, or its values were checked before
            for pattern in matcher.patterns:
                if not any(fnmatchcase(value, pattern) for value in values):
                    yield _unknown_value(matcher.name, pattern, values)

    def _note(self, name: str, values: Iterable[str]) -> None:
        self._values.setdefault(name, {}).update(dict.fromkeys(values))


def preview_silence(
    matchers: Sequence[Matcher],
    breakers: Iterable[str],
    incidents: Sequence[Incident],
    settings: AlertingSettings,
) -> SilencePreview:
    """Return what a silence with these matchers would do now.

    Args:
        matchers: its conditions.
        breakers: names of the breakers of this process.
        incidents: the open incidents, of all processes.
        settings: the present settings.
    """
    known = _Known.now(breakers, incidents, settings.opsgenie)
    lasting = [each for each in matchers if each.name not in _OF_AN_INCIDENT]
    return SilencePreview(
        tuple(dict.fromkeys(known.unknown_labels(matchers))),
        tuple(dict.fromkeys(known.unknown_values(matchers))),
        tuple(
            name
            for name, labels in known.labels.items()
            if all_hold(lasting, Subject((name,), labels))
        ),
        tuple(
            incident
            for incident, subjects in zip(incidents, known.subjects, strict=True)
            if any(all_hold(matchers, subject) for subject in subjects)
        ),
    )


def _unknown_value(label: str, pattern: str, values: Iterable[str]) -> str:
    what = "breaker is named" if label == "breaker" else f"alert has {label}"
    miss = near_miss(pattern, values)
    return f"no {what} {pattern!r}" + (f" (did you mean {miss!r}?)" if miss else "")
