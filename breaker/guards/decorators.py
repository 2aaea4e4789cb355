"""Guard every call of a function.

Decorated functions ask and report by themselves where there is no time-out, priority or rule for a
result: a guard would cost more than the breaker.
"""

import functools
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar, cast

from breakerd.breaker.context import ACTIVE_DEADLINES, get_deadline
from breakerd.breaker.guards.awaitables import FINISHED_TYPES, is_unfinished, settle
from breakerd.breaker.guards.guard import begun_guard
from breakerd.breaker.guards.lazy_functions import refuse_lazy, what_runs
from breakerd.breaker.guards.options import DEFAULT_OPTIONS, CallOptions
from breakerd.breaker.guards.rules import LocalRules, Rules
from breakerd.breaker.guards.runner import Runner
from breakerd.breaker.guards.target import GuardTarget, report_exception

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Decorator:
    """Decorates functions so that each of their calls is guarded with the same options.

    Attributes:
        breaker: the breaker that is asked, and that the calls are reported to.
        options: time-out and priority of each call.
        rules: its own rules; None for the breaker's.
    """

    breaker: GuardTarget
    options: CallOptions = DEFAULT_OPTIONS
    rules: LocalRules | None = None

    def __call__(self, fn: Callable[P, R]) -> Callable[P, R]:
        """Return `fn` with each call guarded; a coroutine function stays one.

        Raises:
            TypeError: `fn` cannot be called, or its call returns before its work is done, as with
                generators: only a guard inside it can measure that.
        """
        if isinstance(fn, staticmethod | classmethod):
            return cast("Callable[P, R]", type(fn)(self(fn.__func__)))
        if not callable(fn):
            raise TypeError(f"{fn!r} cannot be called; decorate a function")
        refuse_lazy(fn)
        work = what_runs(fn)
        if inspect.iscoroutinefunction(work) or inspect.iscoroutinefunction(fn):
            return cast("Callable[P, R]", self._guard_async(fn))
        return self._guard(fn)

    def _guard(self, fn: Callable[P, R]) -> Callable[P, R]:
        breaker, own, limited = self.breaker, self.rules, self.options.any_given

        @functools.wraps(fn)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            rules = breaker.rules if own is None else own.on(breaker.rules)
            if limited or rules.need_result or (ACTIVE_DEADLINES and get_deadline() is not None):
                return cast("R", self._runner(rules).run(fn, args, kwargs))
            if not breaker.allow():
                raise breaker.rejection()
            clock = breaker.clock
            start = clock()
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:
                report_exception(breaker, start, clock(), rules, error)
                raise
            if type(result) not in FINISHED_TYPES and is_unfinished(result):
                return cast("R", settle(begun_guard(breaker, rules, start), result))
            breaker.done(start, clock())
            return result

        return guarded

    def _guard_async(self, fn: Callable[P, Any]) -> Callable[P, Awaitable[Any]]:
        breaker, own, limited = self.breaker, self.rules, self.options.any_given

        @functools.wraps(fn)
        async def guarded(*args: P.args, **kwargs: P.kwargs) -> Any:
            rules = breaker.rules if own is None else own.on(breaker.rules)
            if limited or rules.need_result or (ACTIVE_DEADLINES and get_deadline() is not None):
                return await self._runner(rules).run_async(fn, args, kwargs)
            if not breaker.allow():
                raise breaker.rejection()
            clock = breaker.clock
            start = clock()
            try:
                result = await fn(*args, **kwargs)
            except BaseException as error:
                report_exception(breaker, start, clock(), rules, error)
                raise
            breaker.done(start, clock())
            return result

        return guarded

    def _runner(self, rules: Rules) -> Runner:
        return Runner(self.breaker, self.options, rules, rules.fallback)
