"""Refuse bodies that are JSON, and yet hold what no answer, log or file could show again."""

import json
from typing import Final

from breakerd.api.problems import Problem

_MAX_DEPTH: Final = 32
"""Maximum nesting of a body; settings need three levels."""


def check_body(body: bytes) -> None:
    """Check a request body; one that is not JSON is left to whoever reads it.

    Raises:
        Problem: 400 if it is nested too deeply, or holds a lone surrogate or an endless number.
    """
    try:
        value = json.loads(body) if body else None
    except RecursionError:
        raise _too_deep() from None
    except UnicodeDecodeError:
        raise Problem(400, "The body is not UTF-8.") from None
    except json.JSONDecodeError:
        return
    except ValueError as error:
        # Python's limit on the digits of an integer.
        raise Problem(400, f"The body holds a number that is too long: {error}.") from None
    _check_value(value)


def _check_value(value: object) -> None:
    """Walk through a value level by level, since recursion is what a deep one breaks."""
    level = [value]
    for _ in range(_MAX_DEPTH + 1):
        deeper: list[object] = []
        for each in level:
            if isinstance(each, str):
                _check_text(each)
            elif isinstance(each, dict):
                deeper += [*each.keys(), *each.values()]
            elif isinstance(each, list):
                deeper += each
        if not deeper:
            return
        level = deeper
    raise _too_deep()


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise Problem(
            400,
            f"The body holds {text[error.start : error.start + 1]!a}, a lone surrogate; "
            "allowed: Unicode text, where surrogates come in pairs.",
        ) from None


def _too_deep() -> Problem:
    return Problem(400, f"The body is nested too deeply; allowed: {_MAX_DEPTH} levels.")
