"""The breakers' part of the file: the root, `[circuit_breaker]`, `[breakers.NAME]`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from breakerd.breaker.config.document import Document
from breakerd.breaker.config.toml_scan import Key
from breakerd.breaker.config.validate import format_value, suggest_key, validate
from breakerd.breaker.errors import ConfigError, ConfigProblem
from breakerd.breaker.settings import Settings

FOREIGN_SECTIONS: Final = frozenset({"opsgenie", "alerts", "api", "fleet"})
"""Sections that other packages own and check."""

LEGACY_ROOT: Final = "circuit_breaker"
BREAKERS: Final = "breakers"

NAME_ALLOWED: Final = "1 to 100 ASCII letters, digits, '.', '_', '-'"


@dataclass(frozen=True, slots=True)
class BreakerSections:
    """What the file says of breakers: `root` for all, `named` for those with their own table."""

    root: Settings
    named: dict[str, Settings]


def read_sections(document: Document) -> BreakerSections:
    """Reads and checks the breakers' sections; leaves the others' alone.

    Raises:
        ConfigError: every problem in them.
    """
    problems: list[ConfigProblem] = []
    root_data = _root_data(document, problems)
    root = _validate_table(root_data, document, (), problems)
    tables = document.data.get(BREAKERS, {})
    if not isinstance(tables, dict):
        problems.append(
            _problem(document, (BREAKERS,), format_value(tables), "tables [breakers.NAME]")
        )
        tables = {}
    for name, own in tables.items():
        prefix = (BREAKERS, name)
        if not valid_name(name):
            problems.append(_problem(document, prefix, format_value(name), NAME_ALLOWED))
        elif not isinstance(own, dict):
            problems.append(
                _problem(document, prefix, format_value(own), "a table [breakers.NAME]")
            )
        else:
            # Alone first, so that only what stands in this table is told of it.
            _validate_table(own, document, prefix, problems)
    if problems:
        raise ConfigError(sorted(problems, key=lambda problem: problem.line))
    named = {
        name: validate(Settings, merge(root_data, own), document=document, prefix=(BREAKERS, name))
        for name, own in tables.items()
    }
    return BreakerSections(root or Settings(), named)


def valid_name(name: str) -> bool:
    """Whether a breaker can be called so: it stands in paths, labels and aliases."""
    return 0 < len(name) <= 100 and all(c.isalnum() or c in "._-" for c in name) and name.isascii()


def merge(root: Mapping[str, object], own: Mapping[str, object]) -> dict[str, object]:
    """`own` over `root`, tables key by key."""
    result = dict(root)
    for key, value in own.items():
        before = result.get(key)
        both = isinstance(before, dict) and isinstance(value, dict)
        result[key] = merge(before, value) if both else value  # type: ignore[arg-type]  # both are dicts
    return result


def _root_data(document: Document, problems: list[ConfigProblem]) -> dict[str, object]:
    own = {
        k: v
        for k, v in document.data.items()
        if k not in FOREIGN_SECTIONS | {LEGACY_ROOT, BREAKERS}
    }
    older = document.data.get(LEGACY_ROOT, {})
    if not isinstance(older, dict):
        problems.append(
            _problem(document, (LEGACY_ROOT,), format_value(older), "a table of settings")
        )
        return own
    for key in own.keys() & older.keys():
        allowed = f"{key!r} once: at the root, or under [{LEGACY_ROOT}], its older spelling"
        problems.append(_problem(document, (LEGACY_ROOT, key), "the same key twice", allowed))
    return own | older


def _validate_table(
    data: Mapping[str, object], document: Document, prefix: Key, problems: list[ConfigProblem]
) -> Settings | None:
    try:
        return validate(Settings, data, document=document, prefix=prefix)
    except ConfigError as error:
        problems += [_relocate(problem, document, prefix) for problem in error.problems]
        return None


def _relocate(problem: ConfigProblem, document: Document, prefix: Key) -> ConfigProblem:
    """Points at `[circuit_breaker]` where the root's key stands there; knows sections as keys."""
    key = tuple(problem.key.split("."))
    line, allowed = problem.line, problem.allowed
    older = document.data.get(LEGACY_ROOT)
    if not prefix and isinstance(older, dict) and key[0] in older:
        key = (LEGACY_ROOT, *key)
        line = document.line_of(key)
    elif not prefix and problem.found.startswith("unknown key") and len(key) == 1:
        allowed = suggest_key(key[0], [*Settings.model_fields, BREAKERS, *FOREIGN_SECTIONS])
    return ConfigProblem(problem.where, line, ".".join(key), problem.found, allowed)


def _problem(document: Document, key: Key, what: str, allowed: str) -> ConfigProblem:
    return ConfigProblem(str(document.path), document.line_of(key), ".".join(key), what, allowed)
