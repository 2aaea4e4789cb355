"""Softening: trouble of a few of many processes is less urgent than that of all. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from breakerd.alerts.incidents.observation import Observation, ObservationSource
from breakerd.alerts.incidents.severity import softened
from breakerd.alerts.incidents.surroundings import Surroundings

Found = Mapping[str, tuple[Observation, ObservationSource]]
"""Most severe observation of each breaker, with its source, by name."""


def soften(
    found: Found,
    sources: Sequence[ObservationSource],
    surroundings: Surroundings,
    severity_of: Callable[[str], str],
) -> Found:
    """Return what was found, less severe where only a few of the processes that there are have it.

    Args:
        found: observations by breaker.
        sources: processes that observe.
        surroundings: what is known of all processes.
        severity_of: returns the severity that a breaker has so far.
    """
    return {
        name: (_softened(observation, sources, surroundings, severity_of(name)), source)
        for name, (observation, source) in found.items()
    }


def _softened(
    observation: Observation,
    sources: Sequence[ObservationSource],
    surroundings: Surroundings,
    before: str,
) -> Observation:
    spread = surroundings.spread(observation.breaker)
    if not spread.known:
        return observation
    troubled = sum(observation.breaker in source.observations for source in sources)
    return replace(observation, severity=softened(observation.severity, troubled, spread, before))
