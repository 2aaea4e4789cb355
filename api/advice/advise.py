"""Run all rules over a configuration."""

from collections.abc import Iterator
from dataclasses import dataclass

from breakerd.api.advice.allowed import Allowances, Misspelt
from breakerd.api.advice.registry import NAMES, RULES, UNKNOWN_RULE
from breakerd.api.advice.rule import Concern, Subject
from breakerd.breaker.config import Key
from breakerd.breaker.config.show_value import shown_name


@dataclass(frozen=True, slots=True)
class Advice:
    """Something legal and unwise in a configuration.

    Attributes:
        where: the file.
        line: line in the file, from 1; 0 if it is in none.
        key: dotted key.
        text: what is unwise and what to do, as a sentence.
        rule: name of the rule.
    """

    where: str
    line: int
    key: str
    text: str
    rule: str

    def __str__(self) -> str:
        place = f"{self.where}:{self.line}" if self.line else self.where
        key = f" {self.key}:" if self.key else ""
        return f"{place}:{key} {self.text} ({self.rule})"


def advise(subject: Subject) -> list[Advice]:
    """Return what is unwise in a valid configuration and not allowed by a comment, by line.

    A value that was loaded with a warning, for go-breaker's sake, is not told a second time.
    """
    allowed = Allowances(subject.document, NAMES)
    tolerated = {warning.key for warning in subject.settings.warnings}
    found = [_misspelt(each, subject) for each in allowed.misspelt]
    for rule in RULES:
        for concern in rule.check(subject):
            told = tolerated & {_dotted(key) for key in concern.keys}
            if not told and not allowed.silence(rule.name, concern.keys):
                found.append(_advice(rule.name, concern, subject, allowed))
    return sorted(found, key=lambda each: each.line)


def _advice(rule: str, concern: Concern, subject: Subject, allowed: Allowances) -> Advice:
    key = next(_stated(concern, subject, allowed), concern.keys[0])
    line = allowed.line_of_element(key) or subject.document.line_of(key)
    return Advice(str(subject.document.path), line, _dotted(key), concern.text, rule)


def _stated(concern: Concern, subject: Subject, allowed: Allowances) -> Iterator[Key]:
    """Yield the keys of a concern that the file has, the first of which is shown."""
    return (k for k in concern.keys if allowed.line_of_element(k) or subject.states(k))


def _misspelt(found: Misspelt, subject: Subject) -> Advice:
    meant = f"; did you mean {found.meant!r}?" if found.meant else ""
    what = "rule" if found.is_rule else "word"
    text = f"found the {what} {shown_name(found.found)!r}, which does not exist{meant}"
    if not found.meant:
        text += "; `breakerd check --rules` lists them"
    return Advice(str(subject.document.path), found.line, "", text, UNKNOWN_RULE)


def _dotted(key: Key) -> str:
    return ".".join(map(shown_name, key))
