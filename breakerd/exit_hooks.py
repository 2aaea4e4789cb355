"""Exit hooks: end what runs in this process when the process ends, however it is run.

A usual process runs `atexit`, and so does each worker of gunicorn. A forked process of
`multiprocessing` and a child of Celery's prefork pool end without it, and have hooks of their own.
"""

import atexit
import os
import sys
import weakref
from multiprocessing import process, util
from typing import Any, Final, Protocol

_FINALIZER: Final = "finalizer"
_FIRST: Final = 100
"""Priority among the finalizers of `multiprocessing`: before its own, which end at 0."""


class Closable(Protocol):
    """Something that ends with its process."""

    def close(self) -> None:
        """End it; no effect if it does not run in this process."""
        ...


_hooked: Final[set[str]] = set()
"""Hooks that this process has, where they must not be had twice."""
_ALL: "Final[weakref.WeakSet[Closable]]" = weakref.WeakSet()


def close_at_exit(closable: Closable) -> None:
    """Close it at the end of each process that starts it; see `use_hooks`. Held weakly."""
    _ALL.add(closable)


def use_hooks() -> None:
    """Use the hooks of what runs this process; call it in each process that starts something."""
    if process.parent_process() is not None and _FINALIZER not in _hooked:
        # Cleared in each new process, so it is registered where it is needed.
        _hooked.add(_FINALIZER)
        util.Finalize(None, _close_all, exitpriority=_FIRST)
    if "celery" in sys.modules:
        _use_celery()


def _use_celery() -> None:
    from celery import signals

    for signal in (signals.worker_process_shutdown, signals.worker_shutdown):
        signal.connect(_close_all, weak=False, dispatch_uid="breakerd")


def _close_all(**_: Any) -> None:
    for closable in list(_ALL):
        closable.close()


atexit.register(_close_all)
os.register_at_fork(after_in_child=_hooked.clear)
