"""Index of silences: which of them cover an incident, without asking each."""

from collections.abc import Collection, Iterator
from typing import Final

from breakerd.alerts.model.matchers import Subject
from breakerd.alerts.model.silence import Silence

_WILDCARDS: Final = frozenset("*?[")
_MAX_REMEMBERED: Final = 10_000
"""Maximum number of subjects whose silences are remembered."""

_Key = tuple[tuple[str, ...], frozenset[tuple[str, str]]]


class SilenceIndex:
    """Silences by id, and by the breakers that they name. Not thread-safe.

    A silence that names its breakers is only compared with incidents of these. What an incident has
    been compared with is remembered until a silence changes. So a round costs the same with ten
    silences as with a thousand.
    """

    def __init__(self) -> None:
        self._all: dict[str, Silence] = {}
        self._named: dict[str, dict[str, Silence]] = {}
        """Name of a breaker -> silences that name it, by id."""
        self._broad: dict[str, Silence] = {}
        """Silences with a pattern of names, or none, by id."""
        self._covering: dict[_Key, list[Silence]] = {}

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Silence]:
        return iter(list(self._all.values()))

    def get(self, silence_id: str) -> Silence | None:
        """Return the silence of that id; None if there is none."""
        return self._all.get(silence_id)

    def put(self, silence: Silence) -> None:
        """Add a silence, or replace the one of the same id."""
        self.remove(silence.id)
        self._all[silence.id] = silence
        for group in self._groups(silence):
            group[silence.id] = silence

    def remove(self, silence_id: str) -> None:
        """Remove the silence of that id, if there is one."""
        self._covering.clear()
        silence = self._all.pop(silence_id, None)
        if silence is not None:
            for group in self._groups(silence):
                group.pop(silence_id, None)

    def find(self, subject: Subject, now: float) -> Silence | None:
        """Return a silence that mutes an alert about `subject` at `now`; None if none does.

        Of several it is the one that ends last.
        """
        for silence in self._matching(subject) if self._all else ():
            if silence.starts_at <= now < silence.ends_at:
                return silence
        return None

    def _matching(self, subject: Subject) -> list[Silence]:
        """Return the silences whose matchers fit, those that end last first."""
        key = (subject.breakers, frozenset(subject.labels.items()))
        known = self._covering.get(key)
        if known is None:
            if len(self._covering) >= _MAX_REMEMBERED:
                self._covering.clear()
            named = self._named.get(subject.breakers[0], {}) if subject.breakers else {}
            fitting = (each for group in (named, self._broad) for each in group.values())
            known = [each for each in fitting if each.fits(subject)]
            known.sort(key=lambda each: each.ends_at, reverse=True)
            self._covering[key] = known
        return known

    def _groups(self, silence: Silence) -> list[dict[str, Silence]]:
        names = _named_breakers(silence)
        if not names:
            return [self._broad]
        return [self._named.setdefault(name, {}) for name in names]


def _named_breakers(silence: Silence) -> Collection[str]:
    """Return the only breakers that the silence can cover; empty if it does not name them."""
    for matcher in silence.matchers:
        if matcher.name == "breaker" and matcher.equal and not _WILDCARDS & set(matcher.pattern):
            return {name.strip() for name in matcher.pattern.split("|")}
    return ()
