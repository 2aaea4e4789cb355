"""Run one call by a guard with all that belongs to it: rules, a fallback, an awaitable result."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from breakerd.breaker.guards.awaitables import (
    falls_back,
    recover,
    require_awaitable,
    require_begun,
    settle,
)
from breakerd.breaker.guards.guard import ConfiguredGuard
from breakerd.breaker.guards.options import CallOptions
from breakerd.breaker.guards.rules import Fallback, Rules
from breakerd.breaker.guards.target import GuardTarget

Arguments = tuple[Any, ...]
Keywords = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs calls of one kind.

    Attributes:
        breaker: the breaker that is asked, and that the calls are reported to.
        options: time-out and priority of each call.
        rules: what counts as a failure.
        fallback: replaces a failure or a rejection; None to raise it.
    """

    breaker: GuardTarget
    options: CallOptions
    rules: Rules
    fallback: Fallback | None

    def run(self, fn: Callable[..., Any], args: Arguments, kwargs: Keywords) -> Any:
        """Call `fn` and return its result, or what replaces it."""
        guard = ConfiguredGuard(self.breaker, self.options, self.rules)
        try:
            with guard:
                result = require_begun(guard, fn, fn(*args, **kwargs))
                return settle(guard, result, self.fallback)
        except Exception as error:
            if self.fallback is None or not falls_back(guard, error):
                raise
            return self.fallback(error)

    async def run_async(
        self, fn: Callable[..., Awaitable[Any]], args: Arguments, kwargs: Keywords
    ) -> Any:
        """Call and await `fn`, and return its result, or what replaces it."""
        guard = ConfiguredGuard(self.breaker, self.options, self.rules)
        try:
            async with guard:
                return guard.judge(await require_awaitable(guard, fn(*args, **kwargs)))
        except Exception as error:
            if self.fallback is None or not falls_back(guard, error):
                raise
            return await recover(self.fallback, error)
