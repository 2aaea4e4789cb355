"""Roll back to an earlier configuration: one change of all keys that differ from it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple

from breakerd.api.config_changes.change import config_of
from breakerd.api.config_changes.etag import require_match
from breakerd.api.config_changes.options import ChangeOptions
from breakerd.api.config_changes.preview import preview
from breakerd.api.config_changes.rows import change_as_json
from breakerd.api.file_settings import MASKER
from breakerd.api.http import sections
from breakerd.api.http.admin import AdminContext
from breakerd.api.http.shared_change import sharing
from breakerd.api.security.auth import Actor
from breakerd.breaker.config import Document, Key
from breakerd.breaker.config.following.in_force import Changes
from breakerd.breaker.config.following.temporary import print_of, value_at
from breakerd.breaker.config_log import ConfigRow
from breakerd.breaker.config_log.masking import MASK
from breakerd.breaker.config_log.row import data_difference, leaves
from breakerd.breaker.fleet.revisions.revision import dotted

_SECRET: Final = "a secret: the log has none, so the present one stays"  # noqa: S105 - no secret
_LOST: Final = "a secret that is not set now, and that the log does not have: set it in the file"
_IN_TABLE: Final = "its table has a key that is changed in the file only"


class Rollback(NamedTuple):
    """Plan of a rollback.

    Attributes:
        changes: new values by their keys in the file.
        kept: keys that differ and stay as they are, with the reason.
    """

    changes: Changes
    kept: dict[Key, str]


def roll_back(
    admin: AdminContext, actor: Actor, row: ConfigRow, options: ChangeOptions
) -> dict[str, Any]:
    """Put an earlier configuration in force, and write it to the file.

    Secrets, and what is changed in the file only, stay as they are; the answer names them.

    Raises:
        Problem: 412 if the settings have changed since the client has read them; 409 without a
            file.
        ConfigError: it is not valid any more; nothing was changed.
        ConfigConflictError: the file cannot be edited now; nothing was changed.
        ConfigWriteError: it is in force, but not written to the file.
    """
    config = config_of(admin)
    plan = Rollback({}, {})

    def wanted(document: Document) -> Changes:
        nonlocal plan
        require_match(admin, options.if_match, sections.read(admin))
        plan = plan_rollback(admin, document, row)
        return plan.changes

    if options.dry_run:
        would = preview(admin, config.preview(wanted), persist=True)
        return {"to": row.number, "kept": _kept(plan), **would}
    before = MASKER.data(config.document)
    given = actor if actor.reason else replace(actor, reason=f"rollback to {row.number}")

    def snapshot() -> dict[str, object]:
        data = MASKER.data(config.document)
        return {dotted(key): value_at(data, key) for key in plan.changes}

    with (
        sharing(admin.fleet, given) as shared,
        admin.audited(actor, "roll back", snapshot=snapshot, detail=given.reason) as values,
    ):
        config.change(wanted)
        values.update({dotted(key): value_at(before, key) for key in plan.changes})
    changes = data_difference(before, MASKER.data(config.document))
    return {
        "to": row.number,
        "message": _message(row, changes, plan),
        "changes": [change_as_json(each) for each in changes],
        "kept": _kept(plan),
        **shared.as_json(),
    }


def plan_rollback(admin: AdminContext, document: Document, row: ConfigRow) -> Rollback:
    """Return what leads from the file to an earlier configuration."""
    config = config_of(admin)
    masked = MASKER.mask(document)
    present, wanted = dict(leaves(MASKER.data(document))), dict(leaves(row.data))
    changes: dict[Key, object] = {}
    kept: dict[Key, str] = {}
    for key in sorted(present.keys() | wanted.keys()):
        value = wanted.get(key)
        if print_of(value) == print_of(present.get(key)):
            continue
        if _has_mask(value) or key in masked.secrets:
            kept[key] = _SECRET if key in present else _LOST
        elif problem := sections.refusal_of_leaf(admin, key, value):
            kept[key] = problem.allowed
        else:
            changes[key] = value
    _keep_torn_tables(changes, kept, present, wanted)
    for each in config.temporary:
        # Also where the file has the value already: a change ends the temporary one.
        changes.setdefault(each.key, value_at(row.data, each.key))
    return Rollback(_with_whole_tables(changes, present, wanted), kept)


def _keep_torn_tables(
    changes: dict[Key, object],
    kept: dict[Key, str],
    present: Mapping[Key, object],
    wanted: Mapping[Key, object],
) -> None:
    """Keep a table as it is that would come or go without the key that it needs.

    So a receiver whose key is not in the log does not come back without it.
    """
    for key in [each for each in kept if (each in present) != (each in wanted)]:
        table = key[:-1]
        for other in [each for each in changes if each[: len(table)] == table and len(table) > 1]:
            del changes[other]
            kept[other] = f"{_IN_TABLE}: {dotted(key)}"


def _with_whole_tables(
    changes: Mapping[Key, object], present: Mapping[Key, object], wanted: Mapping[Key, object]
) -> dict[Key, object]:
    """Return the changes, with the outermost table of which nothing is left removed as a whole."""
    removed = {key for key, value in changes.items() if value is None}
    result: dict[Key, object] = {}
    for key, value in changes.items():
        place = key
        if value is None:
            for length in range(1, len(key)):
                below = [each for each in present if each[:length] == key[:length]]
                stays = any(each[:length] == key[:length] for each in wanted)
                if not stays and all(each in removed for each in below):
                    place = key[:length]
                    break
        result[place] = value
    return result


def _has_mask(value: object) -> bool:
    if isinstance(value, Mapping):
        return any(map(_has_mask, value.values()))
    if isinstance(value, list):
        return any(map(_has_mask, value))
    return bool(value == MASK)


def _kept(plan: Rollback) -> list[dict[str, str]]:
    return [{"key": dotted(key), "reason": reason} for key, reason in sorted(plan.kept.items())]


def _message(row: ConfigRow, changes: tuple[object, ...], plan: Rollback) -> str:
    if not changes:
        done = f"The configuration is as in {row.number} already"
    else:
        done = f"Rolled back to {row.number}: {len(changes)} keys changed"
    return f"{done}; {len(plan.kept)} kept as they are" if plan.kept else done
