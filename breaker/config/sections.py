"""Read the breakers' part of the file: the root, `[circuit_breaker]` and `[breakers.NAME]`."""

import copy
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from breakerd.breaker.config.document import Document
from breakerd.breaker.config.toml_scan import Key
from breakerd.breaker.config.validate import format_value, suggest_key, validate
from breakerd.breaker.errors import ConfigError, ConfigProblem
from breakerd.breaker.settings import Settings

FOREIGN_SECTIONS: Final = frozenset({"opsgenie", "alerts", "api", "fleet"})
"""Top-level sections that other packages own and validate."""

LEGACY_ROOT: Final = "circuit_breaker"
BREAKERS: Final = "breakers"

NAME_ALLOWED: Final = "1 to 100 ASCII letters, digits, '.', '_', '-'"


@dataclass(frozen=True, slots=True)
class BreakerSections:
    """The settings in a file: `root` for all breakers, `named` for those with their own table."""

    root: Settings
    named: dict[str, Settings]


class SettingsCache:
    """Keep validated settings by their raw values, so that none is validated twice.

    Not thread-safe: callers hold the lock of the configuration file.
    """

    def __init__(self) -> None:
        self._validated: dict[str, Settings] = {}

    def validate(
        self,
        data: Mapping[str, object],
        *,
        document: Document | None = None,
        prefix: Key = (),
        where: str = "settings",
    ) -> Settings:
        """Return `data` as settings; see `breakerd.breaker.config.validate`.

        Raises:
            ConfigError: every problem in `data`.
        """
        # JSON tells 1, 1.0 and true apart, which compare equal in Python.
        raw = json.dumps(data, sort_keys=True, default=repr)
        if raw not in self._validated:
            self._validated[raw] = validate(
                Settings, data, document=document, prefix=prefix, where=where
            )
        return self._validated[raw]

    def keep(self, used: Iterable[Settings]) -> None:
        """Drop all settings that are not in `used`."""
        wanted = set(map(id, used))
        self._validated = {k: v for k, v in self._validated.items() if id(v) in wanted}


def read_sections(document: Document, cache: SettingsCache | None = None) -> BreakerSections:
    """Read and check the breakers' sections; ignore those of other packages.

    Each breaker's settings are validated once; those that `cache` has are not validated again.

    Raises:
        ConfigError: every problem in them.
    """
    cache = cache or SettingsCache()
    problems: list[ConfigProblem] = []
    root_data = _root_data(document, problems)
    root, inherited = Settings(), set[str]()
    try:
        root = cache.validate(root_data, document=document)
    except ConfigError as error:
        inherited = {problem.key for problem in error.problems}
        problems += [_relocate(problem, document) for problem in error.problems]
    tables = document.data.get(BREAKERS, {})
    if not isinstance(tables, dict):
        described = format_value(tables)
        problems.append(_problem(document, (BREAKERS,), described, "tables [breakers.NAME]"))
        tables = {}
    named: dict[str, Settings] = {}
    for name, own in tables.items():
        prefix = (BREAKERS, name)
        if not valid_name(name):
            problems.append(_problem(document, prefix, format_value(name), NAME_ALLOWED))
        elif not isinstance(own, dict):
            described = format_value(own)
            problems.append(_problem(document, prefix, described, "a table [breakers.NAME]"))
        else:
            try:
                named[name] = cache.validate(
                    merge(root_data, own), document=document, prefix=prefix
                )
            except ConfigError as error:
                # The root's own problems are reported at the root.
                problems += [
                    problem
                    for problem in error.problems
                    if (key := problem.key.removeprefix(f"{BREAKERS}.{name}.")) not in inherited
                    or _contains(own, key)
                ]
    if problems:
        raise ConfigError(sorted(problems, key=lambda problem: problem.line))
    cache.keep([root, *named.values()])
    return BreakerSections(root, named)


def change_settings(
    document: Document, name: str, changes: Mapping[Key, object], cache: SettingsCache
) -> Settings:
    """Return the settings that a breaker has once `changes` are in the file.

    Args:
        document: the active content of the file.
        name: the breaker.
        changes: values by their key in the file; None removes the key.
        cache: keeps the result for `read_sections`.

    Raises:
        ConfigError: a value is invalid; `where` is "request".
    """
    data = copy.deepcopy(document.data)
    for key, value in changes.items():
        table = data
        for part in key[:-1]:
            inner = table.get(part)
            if not isinstance(inner, dict):
                inner = table[part] = {}
            table = inner
        if value is None:
            table.pop(key[-1], None)
        else:
            table[key[-1]] = value
    changed = Document(document.path, "", data, {})
    root = _root_data(changed, [])
    tables = data.get(BREAKERS)
    own = tables.get(name) if isinstance(tables, dict) else None
    whole = merge(root, own) if isinstance(own, dict) else root
    return cache.validate(whole, where="request")


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


def _contains(table: Mapping[str, object], dotted: str) -> bool:
    value: object = table
    for part in dotted.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return False
        value = value[part]
    return True


def _relocate(problem: ConfigProblem, document: Document) -> ConfigProblem:
    """Point at `[circuit_breaker]` if the root's key is there; suggest sections as keys."""
    key = tuple(problem.key.split("."))
    line, allowed = problem.line, problem.allowed
    older = document.data.get(LEGACY_ROOT)
    if isinstance(older, dict) and key[0] in older:
        key = (LEGACY_ROOT, *key)
        line = document.line_of(key)
    elif problem.found.startswith("unknown key") and len(key) == 1:
        allowed = suggest_key(key[0], [*Settings.model_fields, BREAKERS, *FOREIGN_SECTIONS])
    return ConfigProblem(problem.where, line, ".".join(key), problem.found, allowed)


def _problem(document: Document, key: Key, what: str, allowed: str) -> ConfigProblem:
    return ConfigProblem(str(document.path), document.line_of(key), ".".join(key), what, allowed)
