"""Rows of the log of configurations, and differences between two of them, as JSON."""

from typing import Any

from breakerd.api.schemas.responses import utc_time
from breakerd.breaker.config_log import ConfigRow, KeyChange
from breakerd.breaker.config_log.masking import shown
from breakerd.breaker.fleet.revisions.revision import dotted


def row_as_json(row: ConfigRow) -> dict[str, Any]:
    """Return a row without its values."""
    return {
        "number": row.number,
        "at": utc_time(row.at),
        "digest": row.digest,
        "way": row.origin.way.value,
        "by": row.origin.by,
        "author": str(row.origin),
        "right": row.origin.right,
        "reason": row.origin.reason,
        "process": row.process,
        "written": row.written,
        "temporary": list(row.temporary),
        "changes": None if row.changes is None else [change_as_json(each) for each in row.changes],
    }


def change_as_json(change: KeyChange) -> dict[str, Any]:
    """Return the change of one key; secrets are masked."""
    return {
        "key": dotted(change.key),
        "before": shown(change.before),
        "after": shown(change.after),
        "secret": change.secret,
    }
