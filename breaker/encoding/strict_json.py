"""Write JSON that every reader accepts: it has neither infinity nor NaN."""

import json
from collections.abc import Callable
from functools import partial
from math import isfinite


def dumps(
    value: object,
    *,
    compact: bool = False,
    ensure_ascii: bool = False,
    default: Callable[[object], object] | None = None,
) -> str:
    """Return `value` as JSON; a number that is not finite becomes null.

    Args:
        value: JSON-able data.
        compact: True to leave out the spaces between members.
        ensure_ascii: True to escape all other characters.
        default: converts what is not JSON-able; None: it is a TypeError.

    Raises:
        TypeError: `value` holds something that JSON has no form for.
    """
    encode = partial(
        json.dumps,
        ensure_ascii=ensure_ascii,
        separators=(",", ":") if compact else None,
        default=default,
    )
    try:
        return encode(value, allow_nan=False)
    except ValueError:
        # So rare that nothing is copied otherwise.
        return encode(finite(value))


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
