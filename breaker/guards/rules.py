"""Rules by which a call is judged from its exception or its result: what counts as a failure.

They are checked when they are given. Whatever a predicate raises later is logged and ignored: it
neither hides what the call raised nor leaves the call open.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import lru_cache
from inspect import CO_VARARGS, iscoroutinefunction, signature
from types import FunctionType
from typing import Any, Final, TypedDict, cast

from breakerd.breaker.calls.outcome import CallOutcome
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)

ExceptionClasses = type[BaseException] | tuple[type[BaseException], ...]
ExceptionRule = ExceptionClasses | Callable[[Exception], object]
"""Exception classes, or a predicate on an exception; a predicate is asked for no cancellation."""
ResultRule = Callable[[Any], object]
"""A predicate on what a call returned."""
Fallback = Callable[[Exception], Any]
"""Returns what a caller gets instead of an answer, from the exception that it would get."""


class RuleArguments(TypedDict, total=False):
    """Rules as keyword arguments.

    Attributes:
        ignore: exceptions that are an answer and not a failure.
        failures: exceptions that are failures; all others are answers then. By default each
            `Exception` is a failure.
        failed_result: predicate on the result of a call, true for one that is a failure.
        fallback: returns a result in place of a failure or a rejection, from its exception.
    """

    ignore: ExceptionRule | None
    failures: ExceptionRule | None
    failed_result: ResultRule | None
    fallback: Fallback | None


@dataclass(frozen=True, slots=True)
class _ExceptionFilter:
    """Exceptions by their classes, or by a predicate."""

    classes: tuple[type[BaseException], ...] = ()
    predicate: Callable[[Exception], object] | None = None

    def matches(self, error: BaseException) -> bool:
        """Return True if the exception is one of these."""
        if isinstance(error, self.classes):
            return True
        if self.predicate is None or not isinstance(error, Exception):
            return False
        return _ask(self.predicate, error)


class Rules:
    """Rules by which calls are judged. Immutable.

    Args:
        ignore: see `RuleArguments`, as for the others.
        failures: also classes beside `Exception`, such as `gevent.Timeout`.
        failed_result: asked for each call that returns.
        fallback: called for failures and rejections, not for ignored exceptions and abandoned
            calls.

    Raises:
        TypeError: an argument is of no use as what it is given for.
    """

    __slots__ = ("_failures", "_ignored", "failed_result", "fallback", "need_result")

    def __init__(
        self,
        *,
        ignore: ExceptionRule | None = None,
        failures: ExceptionRule | None = None,
        failed_result: ResultRule | None = None,
        fallback: Fallback | None = None,
    ) -> None:
        self._ignored = _filter("ignore", ignore)
        self._failures = None if failures is None else _filter("failures", failures)
        if failed_result is not None:
            _check("failed_result", failed_result, _PREDICATE)
        self.failed_result = failed_result
        self.fallback = check_fallback(fallback)
        self.need_result = failed_result is not None or fallback is not None
        """True if a call must be followed up after it returned or raised."""

    def replaced(self, given: RuleArguments) -> "Rules":
        """Return these rules with those of `given` that are not None in their place.

        Raises:
            TypeError: as when they are made.
        """
        other = Rules(**given)
        if given.get("ignore") is None:
            other._ignored = self._ignored
        if given.get("failures") is None:
            other._failures = self._failures
        other.failed_result = other.failed_result or self.failed_result
        other.fallback = other.fallback or self.fallback
        other.need_result = other.need_result or self.need_result
        return other

    def ignoring(self, *classes: type[BaseException]) -> "Rules":
        """Return these rules, by which exceptions of `classes` are answers besides."""
        other = self.replaced({})
        ignored = self._ignored
        other._ignored = _ExceptionFilter((*ignored.classes, *classes), ignored.predicate)  # noqa: SLF001
        return other

    def judge(self, error: BaseException) -> CallOutcome:
        """Return how a call ended that raised `error`.

        What is no `Exception` came from outside: a cancellation, an exit of the process, a
        generator that was closed. The call is abandoned then, unless a class names it.
        """
        if self._ignored.matches(error):
            return CallOutcome.SUCCESS
        failures = self._failures
        if failures is not None and failures.matches(error):
            return CallOutcome.ERROR
        if not isinstance(error, Exception):
            return CallOutcome.ABANDONED
        return CallOutcome.ERROR if failures is None else CallOutcome.SUCCESS

    def failed(self, result: object) -> bool:
        """Return True if the result of a call is a failure."""
        return self.failed_result is not None and _ask(self.failed_result, result)


def rules_of_call(
    rules: Rules,
    ignore: ExceptionRule | None,
    failures: ExceptionRule | None,
    failed_result: ResultRule | None,
) -> Rules:
    """Return `rules` with those of one call, where they are not None, in their place.

    Raises:
        TypeError: one of them is of no use as what it is given for.
    """
    if ignore is None and failures is None and failed_result is None:
        return rules
    if failed_result is None and _by_class(ignore) and _by_class(failures):
        return _replaced(rules, cast("Hashable", ignore), cast("Hashable", failures))
    return rules.replaced({"ignore": ignore, "failures": failures, "failed_result": failed_result})


def _by_class(rule: ExceptionRule | None) -> bool:
    return rule is None or isinstance(rule, type | tuple)


@lru_cache(maxsize=256)
def _replaced(rules: Rules, ignore: Any, failures: Any) -> Rules:
    """As `Rules.replaced`; predicates are not kept here, since they may hold anything."""
    return rules.replaced({"ignore": ignore, "failures": failures})


class LocalRules:
    """Rules of one decorated function: the breaker's, with its own in their place.

    Args:
        given: its own rules.

    Raises:
        TypeError: one of them is of no use as what it is given for.
    """

    __slots__ = ("_given", "_resolved")

    def __init__(self, given: RuleArguments) -> None:
        self._given = given
        self._resolved = (DEFAULT_RULES, DEFAULT_RULES.replaced(given))
        """Rules of the breaker, and those that result; set in one step, for other threads."""

    def on(self, base: Rules) -> Rules:
        """Return the rules, where `base` are those of the breaker."""
        known, resolved = self._resolved
        if base is not known:
            resolved = base.replaced(self._given)
            self._resolved = base, resolved
        return resolved


def check_fallback(fallback: Fallback | None) -> Fallback | None:
    """Return `fallback`.

    Raises:
        TypeError: it cannot be called with an exception.
    """
    if fallback is not None:
        _check("fallback", fallback, "a function that takes the exception")
    return fallback


_PREDICATE: Final = "a function of one argument that returns true or false"
_EXCEPTIONS: Final = f"exception classes, a tuple of them, or {_PREDICATE}"
_MAX_REPORTED: Final = 1000
_reported: set[tuple[str, str]] = set()
"""Predicates and what they raised, as it was logged: each once."""


def _filter(name: str, rule: ExceptionRule | None) -> _ExceptionFilter:
    if rule is None:
        return _ExceptionFilter()
    if not _by_class(rule):
        _check(name, rule, _EXCEPTIONS)
        return _ExceptionFilter((), cast("Callable[[Exception], object]", rule))
    classes: tuple[Any, ...] = rule if isinstance(rule, tuple) else (rule,)
    for each in classes:
        if not (isinstance(each, type) and issubclass(each, BaseException)):
            raise TypeError(f"{name} got {each!r}; allowed: {_EXCEPTIONS}")
    return _ExceptionFilter(classes)


def _check(name: str, function: object, allowed: str) -> None:
    """Raise a TypeError if `function` cannot be called with one argument, for an answer at once."""
    is_async = iscoroutinefunction(function) and name != "fallback"
    if not callable(function) or is_async or not _takes_one_argument(function):
        raise TypeError(f"{name} got {function!r}; allowed: {allowed}")


def _takes_one_argument(function: Callable[..., object]) -> bool:
    if isinstance(function, FunctionType):  # as below, a hundred times as fast
        code, defaults = function.__code__, function.__defaults__ or ()
        wanted = code.co_kwonlyargcount - len(function.__kwdefaults__ or ())
        taken = code.co_argcount or code.co_flags & CO_VARARGS
        return bool(taken) and code.co_argcount - len(defaults) <= 1 and not wanted
    try:
        signature(function).bind(None)
    except TypeError:
        return False
    except ValueError:  # some functions in C do not tell their arguments
        return True
    return True


def _ask(predicate: Callable[[Any], object], value: object) -> bool:
    """Return what the predicate says; False if it raises."""
    try:
        return bool(predicate(value))
    except Exception as error:  # noqa: BLE001 - the call has ended: what it raised is what counts
        name = getattr(predicate, "__qualname__", repr(type(predicate)))
        key = (name, type(error).__name__)
        if key not in _reported and len(_reported) < _MAX_REPORTED:
            _reported.add(key)
            _log.warning(
                "predicate of a breaker failed and is ignored", exc_info=error, predicate=name
            )
        return False


rules_ignoring: Final = lru_cache(maxsize=256)(Rules.ignoring)
"""`Rules.ignoring` from a cache."""

DEFAULT_RULES: Final = Rules()
"""Each `Exception` is a failure."""
