"""Identity of a comparison: the settings on both sides of it."""

import hashlib
import json

from breakerd.breaker.settings import Settings


def digest_of(settings: Settings) -> str:
    """Return a short hash of settings and their candidate; empty if there is none.

    The same in each process that has read the same file. What is set counts, too: some defaults
    depend on it.
    """
    tried = settings.with_candidate()
    if tried is None:
        return ""
    both = [_described(settings.without_candidate()), _described(tried)]
    return hashlib.sha256(json.dumps(both, sort_keys=True).encode()).hexdigest()[:16]


def _described(settings: Settings) -> dict[str, object]:
    values = settings.model_dump(mode="json", exclude={"candidate"})
    return {"values": values, "stated": sorted(settings.stated - {"candidate"})}


def differences(settings: Settings) -> dict[str, tuple[object, object]]:
    """Return (in force, candidate) of each setting that the candidate has otherwise, by its key."""
    tried = settings.with_candidate()
    if tried is None:
        return {}
    before = _leaves((), settings.model_dump(mode="json", exclude={"candidate"}))
    after = _leaves((), tried.model_dump(mode="json", exclude={"candidate"}))
    keys = [*before, *(key for key in after if key not in before)]
    return {
        key: (before.get(key), after.get(key)) for key in keys if before.get(key) != after.get(key)
    }


def _leaves(key: tuple[str, ...], value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        return {".".join(key): value}
    found: dict[str, object] = {}
    for name, inner in value.items():
        found |= _leaves((*key, name), inner)
    return found
