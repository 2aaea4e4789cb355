"""Write JSON that every reader accepts: it has neither infinity nor NaN."""

import json
from math import isfinite


def dumps(value: object, *, compact: bool = False, ensure_ascii: bool = False) -> str:
    """Return `value` as JSON; a number that is not finite becomes null.

    `compact` leaves out the spaces between members.

    Raises:
        TypeError: `value` holds something that JSON has no form for.
    """
    separators = (",", ":") if compact else None
    try:
        return json.dumps(value, allow_nan=False, ensure_ascii=ensure_ascii, separators=separators)
    except ValueError:
        # So rare that nothing is copied otherwise.
        return json.dumps(finite(value), ensure_ascii=ensure_ascii, separators=separators)


def finite(value: object) -> object:
    """Return a copy of JSON-able `value` with None for each number that is not finite."""
    match value:
        case float():
            return value if isfinite(value) else None
        case dict():
            return {key: finite(item) for key, item in value.items()}
        case list() | tuple():
            return [finite(item) for item in value]
        case _:
            return value
