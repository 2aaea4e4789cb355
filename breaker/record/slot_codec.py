"""One slot as the text of a row: a JSON list without names, a third as long as with them."""

import json
from collections.abc import Iterable
from typing import Any

from breakerd.breaker.encoding.strict_json import dumps
from breakerd.breaker.history.sketch import DurationSketch
from breakerd.breaker.history.slot import HistorySlot
from breakerd.breaker.states import State


def encode_slot(slot: HistorySlot) -> str:
    """Return a slot as text, without its start and width."""
    figures = (slot.limit, slot.memory, slot.load, slot.threshold, slot.normal)
    return dumps(
        [
            [slot.calls, slot.failures, slot.slow, slot.timed_out, slot.abandoned],
            dict(slot.rejected),
            dict(slot.rejected_by_priority),
            [part for pair in enumerate(slot.durations.counts()) if pair[1] for part in pair],
            slot.in_flight,
            slot.members,
            slot.state.value,
            [_rounded(figure) for figure in figures],
        ],
        compact=True,
    )


def decode_slot(start: float, width: float, data: str) -> HistorySlot:
    """Return the slot that `encode_slot` has written.

    Raises:
        ValueError: the text is none of its.
    """
    try:
        (
            (calls, failures, slow, timed_out, abandoned),
            rejected,
            by_priority,
            durations,
            in_flight,
            members,
            state,
            (limit, memory, load, threshold, normal),
        ) = json.loads(data)
        return HistorySlot(
            start=start,
            width=width,
            calls=int(calls),
            failures=int(failures),
            slow=int(slow),
            timed_out=int(timed_out),
            abandoned=int(abandoned),
            rejected={str(reason): int(count) for reason, count in rejected.items()},
            rejected_by_priority={str(name): int(count) for name, count in by_priority.items()},
            durations=_sketch(durations),
            in_flight=int(in_flight),
            limit=_number(limit),
            state=State(state),
            memory=_number(memory),
            load=_number(load),
            threshold=_number(threshold),
            normal=_number(normal),
            members=int(members),
        )
    except (TypeError, AttributeError, LookupError, OverflowError) as error:
        raise ValueError(f"no slot: {error}: {data!s:.100}") from error


def _sketch(parts: Iterable[int]) -> DurationSketch:
    counts = [0] * len(DurationSketch().counts())
    flat = iter(parts)
    for index, count in zip(flat, flat, strict=True):
        counts[index] = int(count)
    return DurationSketch(counts)


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
