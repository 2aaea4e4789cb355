"""Candidates of a `Breakerd`: what is compared and promised, kept beside alerting's database."""

from breakerd.breaker.promotion.keeper import Keeper
from breakerd.breaker.registry import Registry
from breakerd.fleet_part import alerting_database


def make_keeper(registry: Registry) -> Keeper:
    """Return the keeper of a registry's candidates; without a file of settings it keeps none."""
    if registry.config is None:
        return Keeper(registry, None)
    database = alerting_database(registry.config.document)
    return Keeper(registry, database.with_name(f"{database.stem}-shadow{database.suffix}"))
