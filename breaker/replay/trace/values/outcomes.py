"""Parse outcomes: words, HTTP statuses, and fields that name an error or tell success."""

from collections.abc import Callable
from enum import Enum, auto
from math import nan
from typing import Final

from breakerd.breaker.replay.trace.values import Value
from breakerd.breaker.replay.trace.values.numbers import number


class CallOutcome(Enum):
    """Outcome of a recorded call."""

    SUCCESS = auto()
    ERROR = auto()
    ABANDONED = auto()
    """Its caller gave it up: it took at least as long as recorded."""
    REJECTED = auto()
    """A breaker or limiter did not let it through: of the dependency it says nothing."""


OutcomeParser = Callable[[Value], CallOutcome]

_MIN_STATUS: Final = 100
_SERVER_ERRORS: Final = 500
_MAX_STATUS: Final = 599
_CLIENT_CLOSED_REQUEST: Final = frozenset({499, 460})
"""Statuses of nginx and of AWS for a client that closed the connection before the answer."""

_WORDS: Final = {
    CallOutcome.SUCCESS: {"ok", "success", "succeeded", "successful", "good", "passed"},
    CallOutcome.ERROR: {
        "error", "err", "fail", "failed", "failure", "timeout", "timed_out", "exception", "bad",
    },
    CallOutcome.ABANDONED: {"abandoned", "cancelled", "canceled", "client_closed_request"},
    CallOutcome.REJECTED: {"rejected", "not_permitted", "short_circuited"},
}  # fmt: skip
_OUTCOME_OF_WORD: Final = {word: outcome for outcome, words in _WORDS.items() for word in words}
_YES: Final = frozenset({"true", "1", "yes", "y", "t"})
_NO: Final = frozenset({"", "false", "0", "no", "n", "f", "none", "null", "nil", "-"})
_NO_RESPONSE: Final = frozenset({"0", "000", "-1"})
"""Words that clients and proxies write in place of an HTTP status if there was no response."""
_JMETER_NO_RESPONSE: Final = "non http response code"


def outcome_of_status(code: int) -> CallOutcome:
    """Return the outcome of an HTTP status; from 500 on it is an error, and so is none at all."""
    if code in _CLIENT_CLOSED_REQUEST:
        return CallOutcome.ABANDONED
    failed = code >= _SERVER_ERRORS or code < _MIN_STATUS
    return CallOutcome.ERROR if failed else CallOutcome.SUCCESS


def outcome_by_word(value: Value) -> CallOutcome:
    """Return the outcome of a word or an HTTP status; 5xx is an error, 4xx is not."""
    if isinstance(value, str):
        word = value.strip().lower()
        if word in _OUTCOME_OF_WORD:
            return _OUTCOME_OF_WORD[word]
        code = float(word) if word.isdecimal() else nan
    else:
        code = number(value)
    if not _MIN_STATUS <= code <= _MAX_STATUS:
        raise ValueError(
            f"found {value!r} as outcome; understood: ok, success, error, failed, timeout, "
            "abandoned, rejected, or an HTTP status from 100 to 599"
        )
    return outcome_of_status(int(code))


def outcome_by_http_status(value: Value) -> CallOutcome:
    """Return the outcome of a field that holds an HTTP status, or 0 if there was no response."""
    text = str(value).strip().lower()
    if text in _NO_RESPONSE or text.startswith(_JMETER_NO_RESPONSE):
        return CallOutcome.ERROR
    return outcome_by_word(value)


def outcome_by_error(value: Value) -> CallOutcome:
    """Return the outcome of a field that names an error, or is empty."""
    if not isinstance(value, str):
        return CallOutcome.ERROR if value else CallOutcome.SUCCESS
    word = value.strip().lower()
    if word in _NO:
        return CallOutcome.SUCCESS
    # Any other text is the text of an error.
    return _OUTCOME_OF_WORD.get(word, CallOutcome.ERROR)


def outcome_by_success(value: Value) -> CallOutcome:
    """Return the outcome of a field that says whether the call succeeded."""
    word = str(value).strip().lower()
    if word in _YES:
        return CallOutcome.SUCCESS
    if word in _NO and word:
        return CallOutcome.ERROR
    raise ValueError(f"found {value!r} for success; understood: true, false, 1, 0, yes, no")
