"""Inhibition: find the active incident that explains another one."""

from collections.abc import Iterable, Mapping

from breakerd.alerts.model.matchers import Subject, all_hold, parsed
from breakerd.alerts.settings.inhibition import InhibitionSettings


def find_inhibitor(
    subject: Subject,
    sources: Iterable[tuple[Subject, str]],
    rules: Mapping[str, InhibitionSettings],
) -> str:
    """What explains `subject`, in words; empty if nothing does.

    Args:
        subject: what is to be told.
        sources: what may explain it, each with its words.
        rules: by name.
    """
    fitting = {name: rule for name, rule in rules.items() if all_hold(parsed(rule.target), subject)}
    for source, words in sources if fitting else ():
        for name, rule in fitting.items():
            same = all(subject.labels.get(x) == source.labels.get(x) for x in rule.equal)
            if same and all_hold(parsed(rule.source), source):
                return f"explained by {words} ({name})"
    return ""
