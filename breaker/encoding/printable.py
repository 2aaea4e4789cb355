"""Texts of others, made fit for a terminal: names, reasons and authors may hold anything."""

import re
from collections.abc import Callable
from typing import Final

from breakerd.breaker.encoding.strict_json import dumps

_CONTROLS: Final = (
    r"\x7f-\x9f"  # DEL and C1, which some terminals take for escape sequences
    r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # marks and overrides of the direction
    r"\u2028\u2029\ufeff"
    r"\ud800-\udfff"  # lone surrogates, which cannot be encoded
)
_UNPRINTABLE: Final = re.compile(rf"[\x00-\x1f{_CONTROLS}]")
_UNPRINTABLE_IN_LINES: Final = re.compile(rf"[\x00-\x08\x0b-\x1f{_CONTROLS}]")


def printable(text: str) -> str:
    r"""Return `text` on one line without control characters: `\x1b`, `\n` or `\u202e` instead."""
    return _UNPRINTABLE.sub(_escaped, text)


def printable_lines(text: str) -> str:
    """Return `text` without control characters other than line feeds and tabs."""
    return _UNPRINTABLE_IN_LINES.sub(_escaped, text)


def encodable(text: str) -> str:
    r"""Return `text` with `\ud800` in place of a lone surrogate, which no file or request takes."""
    return text.encode("utf-8", "backslashreplace").decode()


def printable_json(value: object, default: Callable[[object], object] | None = None) -> str:
    """Return `value` as JSON on one line: the true text, with control characters escaped.

    Args:
        value: JSON-able data.
        default: converts what is not JSON-able; None: it is a TypeError.
    """
    text = dumps(value, default=default)
    # JSON escapes those below 0x20 by itself. All others are inside of strings, where this holds.
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")
