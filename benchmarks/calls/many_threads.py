"""One breaker under one thread and under eight, with nothing to do in a call and with some work."""

import hashlib
import json
import time
from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import replace

from benchmarks.calls import breaker_under_test as subject
from benchmarks.calls import noop_pair as empty_pair
from benchmarks.calls.breaker_under_test import Subject
from benchmarks.calls.comparison import Contest, Contestant, Row, Unwatched
from benchmarks.calls.timed_loop import threads
from benchmarks.harness.figures import Effort, Figure

COUNTS = (1, 8)
WORK = {
    "no work": "f()",
    "JSON": "dumps(document)",
    "SHA-256 of 64 KiB, without the GIL": "sha256(block)",
}
"""What a call does, by what the table says of it."""
FOLD = 4
"""So many times the effort's calls: they are shared among threads, which take a while to start."""


def measure(effort: Effort, kinds: Collection[str] = tuple(WORK)) -> list[Figure]:
    """The rate of all threads together, beside that of an empty pair under as many.

    Args:
        effort: as elsewhere.
        kinds: of `WORK`, what the calls do.
    """
    contestants, rows = [], []
    with ExitStack() as stack:
        for count in COUNTS:
            for words in kinds:
                call = WORK[words]
                name = f"{count} threads, {words}" if count > 1 else f"1 thread, {words}"
                empty = f"the empty pair, {name}"
                ours = stack.enter_context(Subject())
                loop = threads(count, body(empty_pair.BODY, call), **names(), **empty_pair.names())
                contestants.append(Contestant(empty, loop, Unwatched()))
                loop = threads(count, body(subject.BODY, call), **names(), **ours.names())
                contestants.append(Contestant(name, loop, ours))
                reach = ">= 0.8" if count > 1 else ""
                rows.append(Row(empty, empty, "", rate=True))
                label = "the empty pair, as many threads"
                rows.append(Row(name, name, empty, reach, label=label, rate=True))
        effort = replace(effort, calls=effort.calls * FOLD)
        return Contest(effort, contestants).run().figures(rows)


def body(form: str, call: str) -> str:
    """The call in a breaker's form."""
    return form.replace("f()", call)


def names() -> dict[str, object]:
    """What the work names."""
    document = {"id": 7, "name": "a name", "tags": ["one", "two"], "at": time.time(), "ok": True}
    return {"dumps": json.dumps, "document": document, "sha256": hashlib.sha256, "block": BLOCK}


BLOCK = bytes(65536)
