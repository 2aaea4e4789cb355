"""Make the settings of a candidate those in force: one change of the file."""

import time
from collections.abc import Mapping
from typing import Any

from breakerd.breaker.breaker import Breaker
from breakerd.breaker.config import Document
from breakerd.breaker.config.sections import CANDIDATE, DEFAULT, has_table, own_data, root_data
from breakerd.breaker.errors import BreakerStateError
from breakerd.breaker.promotion.condition import Condition
from breakerd.breaker.registry import Registry
from breakerd.breaker.shadow.following import compared
from breakerd.breaker.shadow.report import summary


def candidate_values(registry: Registry, name: str) -> dict[str, object]:
    """Return the settings of a breaker's candidate by their dotted names, as the file has them.

    Raises:
        BreakerStateError: it has none.
    """
    candidate = registry.settings_for(name).candidate
    if candidate is None:
        raise BreakerStateError(
            f"breaker {name!r} has no candidate: set one in the file, in {table_of(name)}, or by "
            f"`breakerd set candidate.KEY VALUE --breaker {name}`"
        )
    config = registry.config
    raw = _raw(config.document, name) if config is not None else None
    values = raw if isinstance(raw, Mapping) else candidate.model_dump(exclude_unset=True)
    return dict(_leaves((), values))


def check_condition(breaker: Breaker, condition: Condition) -> str:
    """Return what would have been different under a breaker's candidate, in words.

    Raises:
        BreakerStateError: it has no candidate, or the condition is not true.
    """
    core = breaker.machinery.core
    with core.locked():
        shadow = core.recorder.shadow
        if shadow is None:
            raise BreakerStateError(f"breaker {breaker.name!r} has no candidate")
        figures, since = compared(shadow)
    age = max(0.0, time.time() - since)
    if not condition.holds(figures, age):
        told = condition.told(figures, age)
        raise BreakerStateError(f"not promoted: {condition.text} is not true: {told}")
    return summary(figures, age)


def promotion(values: Mapping[str, object]) -> dict[str, object]:
    """Return the change of a breaker's settings that promotes a candidate with these values."""
    return {**values, CANDIDATE: None}


def in_force(registry: Registry, name: str, values: Mapping[str, object]) -> bool:
    """Return True if a candidate with these values was promoted: it is gone, and they hold."""
    settings = registry.settings_for(name)
    if settings.candidate is not None:
        return False
    present = dict(_leaves((), settings.model_dump()))
    return all(_equal(present.get(key), value) for key, value in values.items())


def table_of(name: str) -> str:
    """Return the table of the file that a breaker's candidate is in."""
    return "[candidate]" if name == DEFAULT else f"[breakers.{name}.candidate]"


def _raw(document: Document, name: str) -> object:
    at_root = name == DEFAULT and not has_table(document, name)
    return (root_data(document) if at_root else own_data(document, name)).get(CANDIDATE)


def _leaves(key: tuple[str, ...], value: Any) -> list[tuple[str, object]]:
    if isinstance(value, Mapping):
        return [leaf for name, inner in value.items() for leaf in _leaves((*key, name), inner)]
    return [(".".join(key), value)]


def _equal(one: object, other: object) -> bool:
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return list(one) == list(other)
    return one == other
