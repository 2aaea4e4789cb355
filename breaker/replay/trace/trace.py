"""Trace of recorded calls, read as a stream."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from operator import methodcaller
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from breakerd.breaker.errors import TraceError
from breakerd.breaker.replay.trace.envelope import Envelope, find_envelope
from breakerd.breaker.replay.trace.formats import (
    MAX_HEAD_LENGTH,
    MAX_HEAD_LINES,
    Format,
    LineReader,
    detect_format,
    is_known,
    line_reader,
)
from breakerd.breaker.replay.trace.hints import NO_HINTS, Hints, TimeIs
from breakerd.breaker.replay.trace.histogram import expand_calls
from breakerd.breaker.replay.trace.plausibility import MAX_DURATION, check_durations
from breakerd.breaker.replay.trace.prometheus import (
    BucketSamples,
    describe_approximation,
    read_query_range,
    read_sample,
)
from breakerd.breaker.replay.trace.record import CallRecord, NoCall
from breakerd.breaker.replay.trace.reorder import (
    MAX_HELD_CALLS,
    MAX_HELD_SECONDS,
    ReorderBuffer,
    spread_evenly,
)
from breakerd.breaker.replay.trace.source import Source

MAX_BROKEN_SHARE: Final = 0.05
"""Maximum share of broken lines; a trace with more is rejected."""
MAX_BROKEN_KEPT: Final = 10
"""Maximum number of broken lines kept with their problems."""

_LINE_END: Final = "\r\n"
_MIN_LINES: Final = 1000
"""Minimum number of lines after which a trace can be rejected before its end."""


@dataclass(frozen=True, slots=True)
class BrokenLine:
    """Line that could not be parsed."""

    number: int
    """Line number, from 1."""
    problem: str

    def __str__(self) -> str:
        return f"line {self.number}: {self.problem}"


class Trace:
    """Iterate over the calls of a file, ordered by start. Can be iterated once. Not thread-safe.

    As a context manager it closes the file. Memory does not grow with the length of the trace,
    except for histograms: all of their counts, but not their calls, are kept.

    Args:
        path: a file, compressed by gzip or not, or `-` for the standard input.
        form: its format; by default detected from its first lines.
        hints: what the trace does not say, or says wrongly.

    Raises:
        TraceError: it cannot be opened, its format is unknown, or its first durations are not
            plausible; when iterated, also if more than `MAX_BROKEN_SHARE` of its lines are
            broken, or if it holds no call.
    """

    def __init__(
        self, path: str | Path, form: Format = Format.AUTO, hints: Hints = NO_HINTS
    ) -> None:
        self.source = Source(path)
        self.broken: list[BrokenLine] = []
        """The first `MAX_BROKEN_KEPT` broken lines."""
        self.broken_count = 0
        self.lines = 0
        """Number of lines read so far."""
        self.other_events = 0
        """Number of lines that can be read and hold no call."""
        self.rejected = 0
        """Number of calls that were rejected when they were recorded, and are left out."""
        self._notes: list[str] = []
        self._reorder_buffer = ReorderBuffer()
        try:
            text = self.source.lines()
            self._head_text = list(_take_head(text))
            self._head = [line.rstrip(_LINE_END) for line in self._head_text]
            self._stream = map(methodcaller("rstrip", _LINE_END), text)
            self.form, envelope = self._detect(form, hints)
            self._calls = self._open(envelope, hints)
        except ValueError as error:
            self.source.close()
            raise self._error(error) from None
        except TraceError:
            self.source.close()
            raise

    @property
    def name(self) -> str:
        """Return the path as given, or "standard input"."""
        return self.source.name

    @property
    def notes(self) -> list[str]:
        """Return what was missing, assumed or left out so far, as sentences."""
        notes = list(self._notes)
        if self.broken_count:
            notes.append(f"{self.broken_count} of {self.lines} lines could not be read")
        if self.other_events:
            notes.append(f"{self.other_events} lines hold no call, and were passed over")
        if self.rejected:
            notes.append(
                f"{self.rejected} calls were rejected when they were recorded, and are left out: "
                "what the dependency would have done is not known"
            )
        if late := self._reorder_buffer.late:
            notes.append(
                f"{late} calls stand more than {MAX_HELD_SECONDS:g} s or {MAX_HELD_CALLS} "
                "calls behind their place, and were let in late"
            )
        if self.source.truncated:
            notes.append(f"the compressed file is damaged or cut off after line {self.lines}")
        return notes

    def close(self) -> None:
        """Close the file."""
        self.source.close()

    def __iter__(self) -> Iterator[CallRecord]:
        empty = True
        for call in self._reorder_buffer.sort(self._calls):
            empty = False
            yield call
        self._reject_if_too_broken(least=1)
        if empty:
            raise self._error(ValueError(f"{self.lines} lines, and no call in them"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _detect(self, form: Format, hints: Hints) -> tuple[Format, Envelope]:
        """Return the format, and what is around each line; the head is unwrapped."""
        if form is Format.AUTO and self._head_is_prometheus():
            form = Format.PROMETHEUS
        if form is Format.PROMETHEUS:
            return form, Envelope()
        envelope = find_envelope(self._head, is_known)
        self._head = [envelope.unwrap(line) for line in self._head]
        return (detect_format(self._head, hints) if form is Format.AUTO else form), envelope

    def _head_is_prometheus(self) -> bool:
        try:
            return detect_format(self._head) is Format.PROMETHEUS
        except ValueError:
            return False

    def _open(self, envelope: Envelope, hints: Hints) -> Iterable[CallRecord]:
        if self.form is Format.PROMETHEUS:
            return self._histogram_calls(hints)
        reader = line_reader(self.form, self._head, hints)
        self._notes += reader.notes
        if note := self._check_head(reader):
            self._notes.append(note)
        calls = self._line_calls(reader, envelope)
        if reader.whole_seconds is None:
            return calls
        return spread_evenly(calls, by_start=reader.whole_seconds is TimeIs.START)

    def _check_head(self, reader: LineReader) -> str | None:
        """Refuse implausible durations; return a note on those whose unit is assumed."""
        calls = []
        for _, record in reader.join(self._head[reader.skip :]):
            try:
                call = reader.parse(record)
            except ValueError:
                continue
            if isinstance(call, CallRecord):
                calls.append(call)
        return check_durations(calls, reader.duration, reader.unit, reader.unit_source)

    def _line_calls(self, reader: LineReader, envelope: Envelope) -> Iterator[CallRecord]:
        unwrap = envelope.unwrap if envelope.layers else None
        # From the head, the envelope may hold a part of the line that ends in the stream.
        stream = map(unwrap, self._stream) if unwrap else self._stream
        parse, number = reader.parse, reader.skip
        for lines, record in reader.join(chain(self._head[reader.skip :], stream)):
            number += lines
            try:
                call = parse(record)
                if isinstance(call, CallRecord):
                    yield _checked(call)
                elif call is NoCall.OTHER:
                    self.other_events += 1
                elif call is NoCall.REJECTED:
                    self.rejected += 1
            except ValueError as error:
                self.lines = number
                self._note_broken(str(error))
        self.lines = number

    def _histogram_calls(self, hints: Hints) -> Iterable[CallRecord]:
        samples = BucketSamples(hints.unit)
        if self._head and self._head[0].lstrip().startswith("{"):
            histograms = read_query_range("".join(self._head_text) + self.source.rest(), samples)
        else:
            for line in chain(self._head, self._stream):
                self.lines += 1
                try:
                    read_sample(line, samples)
                except ValueError as error:
                    self._note_broken(str(error))
            self._reject_if_too_broken(least=1)
            histograms = samples.histograms()
        self._notes.append(describe_approximation(histograms))
        if samples.note:
            self._notes.append(samples.note)
        return expand_calls(histograms)

    def _note_broken(self, problem: str) -> None:
        self.broken_count += 1
        if len(self.broken) < MAX_BROKEN_KEPT:
            self.broken.append(BrokenLine(self.lines, problem))
        self._reject_if_too_broken(least=_MIN_LINES)

    def _reject_if_too_broken(self, least: int) -> None:
        if self.lines >= least and self.broken_count > MAX_BROKEN_SHARE * self.lines:
            first = "; ".join(map(str, self.broken[:3]))
            raise TraceError(
                f"{self.name}: {self.broken_count} of {self.lines} lines cannot be read as "
                f"{self.form}; at most {MAX_BROKEN_SHARE:.0%} may be broken. {first}"
            )

    def _error(self, error: Exception) -> TraceError:
        return TraceError(f"{self.name}: {error}")


def _take_head(text: Iterator[str]) -> Iterator[str]:
    """Yield the lines from which the format is detected."""
    length = 0
    for line in islice(text, MAX_HEAD_LINES):
        yield line
        length += len(line)
        if length > MAX_HEAD_LENGTH:
            return


def _checked(call: CallRecord) -> CallRecord:
    if call.duration > MAX_DURATION:
        raise ValueError(
            f"found a duration of {call.duration:.6g} s; a call takes at most {MAX_DURATION:g} s "
            "(state the unit: --unit s|ms|us|ns)"
        )
    return call
