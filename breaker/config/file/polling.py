"""Where a file must be polled, because its events cannot be read."""

import os
import sys


def why_no_events() -> str:
    """Return why inotify cannot be used in this process; empty if it can be."""
    if _is_patched():
        return "threads are green: reading events may block all of them"
    if _inherited:
        return "the parent process reads the events, and a forked child shares them"
    return ""


def _is_patched() -> bool:
    """True if gevent or eventlet has replaced threads by greenlets."""
    if gevent := sys.modules.get("gevent.monkey"):
        return bool(gevent.is_module_patched("threading"))
    if eventlet := sys.modules.get("eventlet.patcher"):
        return bool(eventlet.is_monkey_patched("thread"))
    return False


_inherited = False


def _note_inherited() -> None:
    """Note in a forked child that watchdog's one reader of events is the parent's."""
    global _inherited  # noqa: PLW0603 - of the process, as watchdog's
    _inherited = "watchdog.observers.inotify_c" in sys.modules


os.register_at_fork(after_in_child=_note_inherited)
