"""Functions whose call returns before their work begins: only a guard inside can measure it."""

import functools
import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, contextmanager
from types import AsyncGeneratorType, GeneratorType
from typing import Any, Final


def refuse_lazy(fn: Callable[..., Any]) -> None:
    """Raise a TypeError if a call of `fn` returns before its work has begun."""
    if kind := _kind_of(what_runs(fn)):
        name = getattr(fn, "__qualname__", repr(fn))
        raise TypeError(
            f"{name} is {kind}, whose call ends before its work does; "
            "use `with breaker.guard():` inside it"
        )


async def _once() -> AsyncIterator[None]:
    """Yield once."""
    yield


_CONTEXT_MANAGER_FUNCTIONS: Final = frozenset(
    {contextmanager(lambda: iter((None,))).__code__, asynccontextmanager(_once).__code__}
)
"""Code of the functions that `contextlib` makes of generators."""


LAZY_RESULTS: Final[frozenset[type]] = frozenset(
    {
        GeneratorType,
        AsyncGeneratorType,
        type(contextmanager(lambda: iter((None,)))()),
        type(asynccontextmanager(_once)()),
    }
)
"""Types of what such functions return; other functions may return them, too."""


def what_runs(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function that a call of `fn` runs."""
    while isinstance(fn, functools.partial):
        fn = fn.func
    if isinstance(fn, type) or inspect.isroutine(fn):
        return fn
    own: Callable[..., Any] = getattr(type(fn), "__call__", fn)  # noqa: B004 - the function, not whether there is one
    return own


def _kind_of(fn: Callable[..., Any]) -> str:
    """Return what `fn` is, if its call returns before its work has begun; else nothing."""
    if inspect.isgeneratorfunction(fn):
        return "a generator function"
    if inspect.isasyncgenfunction(fn):
        return "an async generator function"
    if getattr(fn, "__code__", None) in _CONTEXT_MANAGER_FUNCTIONS:
        return "a context manager function"
    return ""
