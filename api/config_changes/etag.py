"""Entity tags of settings: a change can be refused if somebody was faster."""

import hashlib
from collections.abc import Iterable
from typing import Any, Final

from breakerd.api.config_changes.rows import change_as_json
from breakerd.api.file_settings import MASKER
from breakerd.api.http.admin import AdminContext
from breakerd.api.problems import CHANGED_SINCE, Problem
from breakerd.api.schemas.responses import utc_time
from breakerd.breaker.config_log import ConfigRow
from breakerd.breaker.config_log.masking import as_json, shown

_NO_FILE: Final = "0" * 16
"""Digest where there is no file."""
_MAX_NAMED: Final = 10
"""Maximum number of changes that a refusal names."""


def etag_of(admin: AdminContext, view: object) -> str:
    """Return the entity tag of what a GET shows.

    Its first part is a hash of that, and decides; the second is the digest of the configuration, by
    which a refusal finds what was changed since.
    """
    config = admin.registry.config
    digest = MASKER.mask(config.document).digest if config is not None else _NO_FILE
    return f'"{_hash(view)}.{digest}"'


def require_match(admin: AdminContext, if_match: str, view: object) -> None:
    """Do nothing if the client has seen what is in force, or says nothing about that.

    Args:
        admin: the admin plane.
        if_match: the header; empty if there is none.
        view: what a GET shows now.

    Raises:
        Problem: 412 if it has changed since; names who has changed what.
    """
    tags = [each.strip().removeprefix("W/").strip('"') for each in if_match.split(",")]
    if not if_match or "*" in tags or _hash(view) in {each.partition(".")[0] for each in tags}:
        return
    rows = _rows_since(admin, [each.partition(".")[2] for each in tags])
    told = "; ".join(_sentence(row) for row in reversed(rows)) or "it is not known by whom"
    detail = f"The settings have changed since they were read: {told}. Nothing was changed."
    raise Problem(
        412,
        detail,
        kind=CHANGED_SINCE,
        headers={"ETag": etag_of(admin, view)},
        changed_since=[_row_as_json(row) for row in reversed(rows)],
    )


def _rows_since(admin: AdminContext, digests: Iterable[str]) -> list[ConfigRow]:
    """Return the rows after the newest one with one of the digests, newest first."""
    log = admin.config_log
    if log is None:
        return []
    seen = [row.number for each in digests if each and (row := log.with_digest(each)) is not None]
    rows = log.rows(_MAX_NAMED)
    return [row for row in rows if row.number > max(seen, default=0)]


def _sentence(row: ConfigRow) -> str:
    keys = [".".join(each.key) for each in row.changes or ()]
    what = ", ".join(keys[:_MAX_NAMED]) or "the file"
    reason = f" ({row.origin.reason})" if row.origin.reason else ""
    return f"{row.origin} changed {what} at {utc_time(row.at)}{reason}"


def _row_as_json(row: ConfigRow) -> dict[str, Any]:
    return {
        "number": row.number,
        "at": utc_time(row.at),
        "by": str(row.origin),
        "reason": row.origin.reason,
        "changes": [change_as_json(each) for each in row.changes or ()],
    }


def _hash(view: object) -> str:
    return hashlib.sha256(as_json(shown(view)).encode(errors="surrogatepass")).hexdigest()[:16]
