"""Alerting makes what it waits for at its start: gevent may replace the classes until then."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

WATCH = """
    import queue, sys, threading

    made = []

    def watched(name, original):
        class Watched(original):
            def __init__(self, *args, **kwargs):
                made.append((name, sys._getframe(1).f_code.co_filename))
                super().__init__(*args, **kwargs)
        return Watched

    def watched_function(name, original):
        def make(*args):
            made.append((name, sys._getframe(1).f_code.co_filename))
            return original(*args)
        return make

    for module, name in (
        (threading, "Event"), (threading, "Condition"), (threading, "Thread"),
        (threading, "Semaphore"), (queue, "Queue"),
    ):
        setattr(module, name, watched(name, getattr(module, name)))
    for module, name in ((threading, "Lock"), (threading, "RLock"), (queue, "SimpleQueue")):
        setattr(module, name, watched_function(name, getattr(module, name)))

    from breakerd import Alerting, Registry

    def ours():
        return [f"{name} {file}" for name, file in made
                if "/alerts/" in file or "/storage/" in file]

    registry = Registry()
    alerting = Alerting.from_file(sys.argv[1], registry)
    alerting.health()
    registry.get("payments").trip("a test")
    assert not ours(), ours()
    with alerting:
        assert ours(), "they are seen"
"""


def test_no_lock_is_older_than_the_start(tmp_path: Path) -> None:
    """Nor event, thread, queue: gevent replaces these classes after the import, and blocks else."""
    file = tmp_path / "breakers.toml"
    file.write_text(f'[alerts]\ndatabase = "{tmp_path}/alerts.db"\n')
    command = [sys.executable, "-c", textwrap.dedent(WATCH), str(file)]
    done = subprocess.run(command, timeout=60, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
