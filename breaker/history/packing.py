"""Pack a slot into 74 bytes, so that an hour of them fits into 96 KiB.

Numbers of calls and of rejections are exact. Their parts (failed, slow, by reason …) and those in
the buckets are exact up to 4,095, and above that cut to 12 significant bits; where more than ten
buckets hold calls, the buckets are cut to 4 significant bits, and where more than twenty do, to the
power of two. What was cut off is added to the largest one, so that the sum stays exact.
"""

import math
import struct
from collections.abc import Mapping, Sequence
from typing import Final

from breakerd.breaker.context import Priority
from breakerd.breaker.history.sketch import BUCKETS, DurationSketch
from breakerd.breaker.history.slot import SEVERITY, HistorySlot
from breakerd.breaker.history.tally import Tally

_FORMAT: Final = struct.Struct("<IIIHHHHH4HHHHHeeeefI20s")
SIZE: Final = _FORMAT.size
"""Bytes of a packed slot."""
OVERLOADED: Final = "overloaded"
OTHER: Final = "other"
"""Reason of what is left in a slot with more than three reasons."""
_REASONS: Final = (
    "", "latency", "errors", "memory", "load", "failure_streak", "fleet", "manual", "operator",
    "forced_open", "restored", OTHER, "probe_failed", "ramp_failed",
)  # fmt: skip
"""Reasons by their code of 4 bits; those without one are packed as `OTHER`."""
_PRIORITIES: Final = tuple(priority.name.lower() for priority in Priority)
_MANTISSA: Final = 11
"""Bits after the first of a count in 16 bits, 5 of which are the exponent."""
_MOST_HALF: Final = 65504.0
"""Largest number in half precision."""
_WIDTHS: Final = ((9, 16), (19, 8), (BUCKETS - 1, 5))
"""Bits of a bucket, by the number of buckets up to which they are used; 5 are left in 160."""


def pack(tally: Tally) -> bytes:
    """Return the slot in `SIZE` bytes."""
    reasons = _ranked(tally.rejected)
    codes = [_code(reason) for reason, _ in reasons] + [0, 0, 0]
    parts = [calls for _, calls in reasons[1:]] + [0, 0]
    mask, buckets = _pack_buckets(tally.counts)
    return _FORMAT.pack(
        tally.start,
        _fitting(tally.calls),
        _fitting(sum(tally.rejected.values()) + sum(tally.shed)),
        *map(_short, (tally.failures, tally.slow, tally.timed_out)),
        *map(_short, (tally.abandoned, tally.unmeasured)),
        *map(_short, tally.shed),
        _short(parts[0]),
        _short(parts[1]),
        tally.severity | codes[0] << 4 | codes[1] << 8 | codes[2] << 12,
        _short(tally.in_flight),
        *map(_half, (tally.limit, tally.memory, tally.load, tally.normal)),
        math.nan if tally.threshold is None else tally.threshold,
        mask,
        buckets,
    )


def unpack(packed: bytes, width: float) -> HistorySlot:
    """Return the slot that `pack` wrote, as one of `width` seconds."""
    fields = _FORMAT.unpack(packed)
    start, calls, rejections = fields[:3]
    failures, slow, timed_out, abandoned, unmeasured = map(_long, fields[3:8])
    codes = fields[14]
    rejected, shed = _rejections(rejections, fields[8:12], fields[12:14], codes)
    limit, memory, load, normal = map(_unpacked, fields[16:20])
    return HistorySlot(
        start=float(start),
        width=width,
        calls=calls,
        failures=failures,
        slow=slow,
        timed_out=timed_out,
        abandoned=abandoned,
        rejected=rejected,
        rejected_by_priority=shed,
        durations=_unpack_buckets(calls - unmeasured, fields[21], fields[22]),
        in_flight=_long(fields[15]),
        limit=limit,
        state=SEVERITY[codes & 15],
        memory=memory,
        load=load,
        threshold=None if math.isnan(fields[20]) else float(f"{fields[20]:.6g}"),
        normal=normal,
    )


def _ranked(rejected: Mapping[str, int]) -> list[tuple[str, int]]:
    """Return at most three (reason, calls), most calls first; the rest as `OTHER`."""
    ranked = sorted(rejected.items(), key=lambda each: -each[1])
    if len(ranked) <= 3:
        return ranked
    rest = (OTHER, sum(calls for _, calls in ranked[2:]))
    return sorted([*ranked[:2], rest], key=lambda each: -each[1])


def _code(reason: str) -> int:
    return _REASONS.index(reason if reason in _REASONS else OTHER)


def _rejections(
    total: int, packed_shed: tuple[int, ...], packed_parts: tuple[int, ...], codes: int
) -> tuple[dict[str, int], dict[str, int]]:
    """Return the calls rejected by reason, and those that the limit rejected by priority."""
    shed = [_long(part) for part in packed_shed]
    reasons = [_REASONS[codes >> shift & 15] for shift in (4, 8, 12)]
    if not reasons[0] and any(shed):
        shed[shed.index(max(shed))] += total - sum(shed)
    parts = [_long(part) for part in packed_parts]
    counts = [total - sum(shed) - sum(parts), *parts]
    by_reason: dict[str, int] = {OVERLOADED: sum(shed)} if any(shed) else {}
    for reason, calls in zip(reasons, counts, strict=True):
        if reason:
            by_reason[reason] = by_reason.get(reason, 0) + calls
    return by_reason, {name: calls for name, calls in zip(_PRIORITIES, shed, strict=True) if calls}


def _pack_buckets(counts: Sequence[int]) -> tuple[int, bytes]:
    """Return which buckets hold calls, and how many all of these but the largest hold."""
    filled = [index for index, count in enumerate(counts) if count]
    if not filled:
        return 0, b""
    largest = counts.index(max(counts))
    width = _width(len(filled) - 1)
    value = largest
    shift = 5
    for index in filled:
        if index != largest:
            value |= cut(counts[index], width - 5) << shift
            shift += width
    return sum(1 << index for index in filled), value.to_bytes(20, "little")


def _unpack_buckets(total: int, mask: int, packed: bytes) -> DurationSketch:
    if not mask:
        return DurationSketch()
    counts = [0] * BUCKETS
    value = int.from_bytes(packed, "little")
    largest, value = value & 31, value >> 5
    width = _width(mask.bit_count() - 1)
    for index in range(BUCKETS):
        if mask >> index & 1 and index != largest:
            counts[index] = restored(value & (1 << width) - 1, width - 5)
            value >>= width
    counts[largest] = max(0, total - sum(counts))
    return DurationSketch(counts)


def _width(buckets: int) -> int:
    return next(bits for most, bits in _WIDTHS if buckets <= most)


def cut(count: int, bits: int) -> int:
    """Return a code of `bits` + 5 bits for a count, cut to `bits` + 1 significant bits."""
    exponent = max(0, count.bit_length() - bits)
    if exponent == 0:
        return count
    return (exponent << bits) + (count >> exponent - 1) - (1 << bits)


def restored(code: int, bits: int) -> int:
    """Return the count of a code."""
    exponent, rest = code >> bits, code & (1 << bits) - 1
    return rest if exponent == 0 else (1 << bits | rest) << exponent - 1


def _short(count: int) -> int:
    return cut(_fitting(count), _MANTISSA)


def _long(code: int) -> int:
    return restored(code, _MANTISSA)


def _fitting(count: int) -> int:
    return min(count, 0xFFFF_FFFF)


def _half(value: float | None) -> float:
    return math.nan if value is None else min(value, _MOST_HALF)


def _unpacked(value: float) -> float | None:
    """Return a number in half precision to the digits that it has."""
    return None if math.isnan(value) else float(f"{value:.4g}")
