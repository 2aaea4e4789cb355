"""Look up values in JSON objects by dotted paths."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

_MAX_DEPTH: Final = 3
"""Maximum number of names in a path: enough for `data.tags.status`."""

Row = Mapping[str, Any]  # a JSON object


def flatten(row: Row, depth: int = _MAX_DEPTH) -> Iterator[tuple[str, Any]]:
    """Yield the path and value of each field; nested objects are entered to a limited depth."""
    for key, value in row.items():
        yield key, value
        if depth > 1 and isinstance(value, dict):
            for path, inner in flatten(value, depth - 1):
                yield f"{key}.{path}", inner


def lookup(path: str | None) -> Callable[[Row], Any]:
    """Return a function that gets the value at a path; None for none, and where it is missing."""
    if path is None:
        return lambda _: None
    if "." not in path:
        return lambda row: row.get(path)
    names = path.split(".")

    def get(row: Row) -> Any:
        if path in row:  # a key may have dots itself
            return row[path]
        value: Any = row
        for name in names:
            value = value.get(name) if isinstance(value, dict) else None
        return value

    return get
