"""Read the breakers' part of the file: the root, `[circuit_breaker]` and `[breakers.NAME]`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from breakerd.breaker.config.document import Document
from breakerd.breaker.config.go_breaker import accept
from breakerd.breaker.config.merge import merge_settings
from breakerd.breaker.config.show_value import format_value, show_value
from breakerd.breaker.config.tolerated import ConfigWarning
from breakerd.breaker.config.toml.scan import Key
from breakerd.breaker.config.validate import MAX_PROBLEMS, suggest_key
from breakerd.breaker.config.validation_cache import ValidationCache
from breakerd.breaker.errors import ConfigError, ConfigProblem
from breakerd.breaker.settings import Settings

FOREIGN_SECTIONS: Final = frozenset({"opsgenie", "alerts", "api", "fleet", "history"})
"""Top-level sections that other packages own and validate."""

DEFAULT: Final = "default"
"""Name of the breaker that always exists; the only one that the root's candidate is for."""
CANDIDATE: Final = "candidate"
"""Key of the settings that run in the shadow of those in its table."""
LEGACY_ROOT: Final = "circuit_breaker"
BREAKERS: Final = "breakers"

_TABLE: Final = {"type": "object"}
"""Schema of what is due where text in its place may be anything."""

NAME_PATTERN: Final = "^[A-Za-z0-9._-]{1,100}$"
"""Pattern of the names of `valid_name`, for a JSON schema."""
NAME_ALLOWED: Final = "1 to 100 ASCII letters, digits, '.', '_', '-'"


@dataclass(frozen=True, slots=True)
class BreakerSections:
    """The settings in a file.

    Attributes:
        root: settings of all breakers.
        named: settings of those with their own table.
        warnings: values that were tolerated.
    """

    root: Settings
    named: dict[str, Settings]
    warnings: tuple[ConfigWarning, ...] = ()


def read_sections(document: Document, cache: ValidationCache | None = None) -> BreakerSections:
    """Read and check the breakers' sections; ignore those of other packages.

    Each table is validated once and by itself; those that `cache` has are not validated again.

    Raises:
        ConfigError: every problem in them.
    """
    cache = cache or ValidationCache()
    problems: list[ConfigProblem] = []
    root = Settings()
    rooted = document.lifted(LEGACY_ROOT)
    raw, warnings = _read_root(document, problems)
    try:
        root = cache.validate(Settings, _with_slo(raw, {}), document=rooted)
    except ConfigError as error:
        problems += [_relocate(problem, document) for problem in error.problems]
    tables = document.data.get(BREAKERS, {})
    if not isinstance(tables, dict):
        described = show_value(tables, _TABLE)
        problems.append(_problem(document, (BREAKERS,), described, "tables [breakers.NAME]"))
        tables = {}
    problems += (at_root := contradictions(rooted, root))
    owned = _owned(document, tables, root, cache, problems)
    below = root.without_candidate()
    merged = {name: merge_settings(below, own) for name, own in owned.items()}
    for name, settings in merged.items():
        if not at_root and len(problems) < MAX_PROBLEMS:
            problems += contradictions(document, settings, (BREAKERS, name))
    if problems:
        raise ConfigError(sorted(problems, key=lambda problem: problem.line))
    cache.keep([root, *owned.values()])
    return BreakerSections(root, merged, tuple(warnings))


def _owned(
    document: Document,
    tables: Mapping[str, object],
    root: Settings,
    cache: ValidationCache,
    problems: list[ConfigProblem],
) -> dict[str, Settings]:
    """Return what each valid `[breakers.NAME]` sets; add to `problems`, up to the most told."""
    owned: dict[str, Settings] = {}
    for name, own in tables.items():
        prefix = (BREAKERS, name)
        if len(problems) >= MAX_PROBLEMS:
            break
        if not valid_name(name):
            problems.append(_problem(document, prefix, format_value(name), NAME_ALLOWED))
        elif not isinstance(own, dict):
            described = show_value(own, _TABLE)
            problems.append(_problem(document, prefix, described, "a table [breakers.NAME]"))
        else:
            try:
                data = complete(own, root)
                owned[name] = cache.validate(Settings, data, document=document, prefix=prefix)
            except ConfigError as error:
                problems += error.problems
    return owned


def complete(own: Mapping[str, object], root: Settings) -> dict[str, object]:
    """Return the raw settings of one breaker, with what its `[slo]` lacks from that of the root.

    Other tables need no completion, because all their settings have defaults.
    """
    known = root.slo.model_dump(exclude_unset=True) if root.slo else {}
    return _with_slo(own, known)


def _with_slo(own: Mapping[str, object], known: Mapping[str, object]) -> dict[str, object]:
    """Return raw settings with what their `[slo]` lacks, and then that of their candidate."""
    found = dict(own)
    if known and isinstance(slo := own.get("slo"), dict):
        found["slo"] = {**known, **slo}
    if isinstance(candidate := own.get(CANDIDATE), dict):
        level = found.get("slo", known)
        found[CANDIDATE] = _with_slo(candidate, level if isinstance(level, dict) else {})
    return found


def contradictions(
    document: Document | None, settings: Settings, prefix: Key = ()
) -> list[ConfigProblem]:
    """Return the problems of settings that do not fit each other; without a document, of a request.

    Args:
        document: the file that the settings come from.
        settings: all settings of a breaker.
        prefix: table of the file that has the last word on them.
    """
    problems = []
    for dotted, value, allowed in settings.contradictions():
        key: Key = (*prefix, *dotted.split("."))
        if document is None:
            problems.append(ConfigProblem("request", 0, dotted, format_value(value), allowed))
        else:
            problems.append(_problem(document, key, format_value(value), allowed))
    return problems


def valid_name(name: str) -> bool:
    """True if a breaker can have this name, which is used in paths, labels and aliases."""
    return 0 < len(name) <= 100 and all(c.isalnum() or c in "._-" for c in name) and name.isascii()


def root_data(document: Document) -> dict[str, object]:
    """Return the settings of the root, in either spelling, before they are validated."""
    return _read_root(document, [])[0]


def _read_root(
    document: Document, problems: list[ConfigProblem]
) -> tuple[dict[str, object], list[ConfigWarning]]:
    """Return the settings of the root, and what was tolerated in them; add to `problems`."""
    foreign = FOREIGN_SECTIONS | {LEGACY_ROOT, BREAKERS}
    if CANDIDATE in document.data and has_table(document, DEFAULT):
        allowed = f"[breakers.{DEFAULT}.{CANDIDATE}], as {DEFAULT!r} has a table of its own"
        problems.append(_problem(document, (CANDIDATE,), "a table", allowed))
    own, warnings = accept({k: v for k, v in document.data.items() if k not in foreign}, document)
    older = document.data.get(LEGACY_ROOT, {})
    if not isinstance(older, dict):
        found = show_value(older, _TABLE)
        problems.append(_problem(document, (LEGACY_ROOT,), found, "a table of settings"))
        return own, warnings
    for key in document.data.keys() & older.keys():
        allowed = f"{key!r} once: at the root, or under [{LEGACY_ROOT}], its older spelling"
        problems.append(_problem(document, (LEGACY_ROOT, key), "the same key twice", allowed))
    below, further = accept(older, document, (LEGACY_ROOT,))
    return own | below, warnings + further


def own_data(document: Document, name: str) -> dict[str, object]:
    """Return the raw settings of `[breakers.NAME]`; empty if it is not in the file."""
    tables = document.data.get(BREAKERS)
    own = tables.get(name) if isinstance(tables, dict) else None
    return dict(own) if isinstance(own, dict) else {}


def has_table(document: Document, name: str) -> bool:
    """True if the file has a `[breakers.NAME]`."""
    tables = document.data.get(BREAKERS)
    return isinstance(tables, dict) and name in tables


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
