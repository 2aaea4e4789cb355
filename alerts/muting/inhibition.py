"""Inhibition: find the active incident that explains another one, as in Alertmanager."""

from collections.abc import Iterable, Mapping

from breakerd.alerts.model.matchers import Subject, all_hold, parsed
from breakerd.alerts.settings.inhibition import InhibitionSettings


def find_inhibitor(
    subject: Subject,
    sources: Iterable[tuple[Subject, str]],
    rules: Mapping[str, InhibitionSettings],
) -> str:
    """Return in a sentence what inhibits `subject`; empty if nothing does.

    Args:
        subject: incident that is to be delivered.
        sources: incidents that may inhibit it, each with its message.
        rules: inhibition rules by name.
    """
    fitting = {name: rule for name, rule in rules.items() if all_hold(parsed(rule.target), subject)}
    for source, message in sources if fitting else ():
        for name, rule in fitting.items():
            same = all(subject.labels.get(x) == source.labels.get(x) for x in rule.equal)
            if same and all_hold(parsed(rule.source), source):
                return f"explained by {message} ({name})"
    return ""
