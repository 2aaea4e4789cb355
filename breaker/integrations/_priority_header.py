"""Parse the priority of a request from a header."""

import re
from typing import Final

from breakerd.breaker.context import Priority

_URGENCY: Final = re.compile(r"(?:^|,)[ \t]*u=([0-7])[ \t]*(?=[,;]|$)")


def parse_priority(value: str) -> Priority | None:
    """Return the priority in a header's value; None if there is none.

    Accepts the names of `Priority` in any case, with `-` or `_` ("sheddable-plus"), its
    numbers 0 to 3, and the urgency of RFC 9218's `Priority` header, `u=0` (most urgent) to `u=7`,
    two to a level. RFC 9218's default, `u=3`, is `CRITICAL`, as ours is.
    """
    word = value.strip()
    if (named := _NAMED.get(word.upper().replace("-", "_"))) is not None:
        return named
    # If a key is given twice, the last one applies (RFC 8941, 3.2).
    if urgencies := _URGENCY.findall(word):
        return Priority(3 - int(urgencies[-1]) // 2)
    return None


_NAMED: Final = Priority.__members__ | {str(level.value): level for level in Priority}
