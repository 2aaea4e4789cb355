"""Dry run of a change: what it would change, for which breakers, and what needs a restart."""

from typing import Any, Final

from pydantic import BaseModel

from breakerd.api.config_changes.last_day import last_day
from breakerd.api.config_changes.rows import change_as_json
from breakerd.api.file_settings import MASKER, SECTIONS
from breakerd.api.http.admin import AdminContext
from breakerd.breaker.config import Key, read_sections
from breakerd.breaker.config.following.in_force import Plan
from breakerd.breaker.config_log.masking import shown
from breakerd.breaker.config_log.row import data_difference, leaves
from breakerd.breaker.fleet.revisions.revision import dotted
from breakerd.breaker.record.reader import RecordReader
from breakerd.breaker.record.settings import record_file
from breakerd.breaker.settings import Settings

_AT_START: Final = "Read at start"
"""Words in the description of a setting that only a restart puts in force."""


def preview(admin: AdminContext, plan: Plan, *, persist: bool) -> dict[str, Any]:
    """Return what a change would do, which is not made.

    Args:
        admin: the admin plane.
        plan: the configuration that it leads to.
        persist: True if it would be written to the file.
    """
    config = admin.registry.config
    present = MASKER.data(config.document) if config is not None else {}
    changes = data_difference(present, MASKER.data(plan.active))
    return {
        "dry_run": True,
        "persist": persist,
        "changes": [change_as_json(each) for each in changes],
        "breakers": _breakers(admin, plan),
        "last_day": _last_day(admin, plan),
        "needs_restart": [dotted(each.key) for each in changes if _read_at_start(each.key)],
        "ends_temporary": [
            dotted(each.key)
            for each in (config.temporary if config is not None else ())
            if each not in plan.temporary
        ],
    }


def settings_after(admin: AdminContext, plan: Plan) -> dict[str, Settings]:
    """Return the settings of each breaker that a plan would change, or make, by its name."""
    sections = read_sections(plan.active)
    present = {breaker.name: breaker.settings for breaker in admin.registry}
    after = {name: sections.named.get(name, sections.root) for name in (*present, *sections.named)}
    return {
        name: settings
        for name, settings in after.items()
        if name not in present or settings != present[name]
    }


def _last_day(admin: AdminContext, plan: Plan) -> dict[str, Any] | None:
    """Return what the change would have done in the last day; None if it concerns no breaker."""
    changed = {
        name: (breaker.settings, settings)
        for name, settings in settings_after(admin, plan).items()
        if (breaker := admin.registry.find(name)) is not None
    }
    if not changed:
        return None
    record = admin.record
    reader = RecordReader(record_file(plan.lasting)) if record is None else record.reader()
    return last_day(reader, changed)


def _breakers(admin: AdminContext, plan: Plan) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, settings in settings_after(admin, plan).items():
        breaker = admin.registry.find(name)
        before = dict(leaves(breaker.settings.model_dump(mode="json"))) if breaker else {}
        after = dict(leaves(settings.model_dump(mode="json")))
        found[name] = {
            "new": breaker is None,
            "settings": {
                dotted(key): {"before": shown(before.get(key)), "after": shown(after.get(key))}
                for key in sorted(before.keys() | after.keys())
                if breaker is not None and before.get(key) != after.get(key)
            },
        }
    return found


def _read_at_start(key: Key) -> bool:
    model = SECTIONS.get(key[0])
    field = _field(model, key[1:]) if model is not None else ""
    return _AT_START in field


def _field(model: type[BaseModel], key: Key) -> str:
    fields = model.model_fields
    return str(fields[key[0]].description) if key and key[0] in fields else ""
