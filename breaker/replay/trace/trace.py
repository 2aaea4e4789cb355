"""Trace of recorded calls, read as a stream."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from operator import methodcaller
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from breakerd.breaker.errors import TraceError
from breakerd.breaker.replay.trace.formats import HEAD_LINES, Format, detect_format, line_reader
from breakerd.breaker.replay.trace.histogram import expand_calls
from breakerd.breaker.replay.trace.prometheus import (
    BucketSamples,
    describe_approximation,
    read_query_range,
    read_sample,
)
from breakerd.breaker.replay.trace.record import CallRecord
from breakerd.breaker.replay.trace.reorder import (
    MAX_HELD_CALLS,
    MAX_HELD_SECONDS,
    ReorderBuffer,
    spread_evenly,
)
from breakerd.breaker.replay.trace.row_parsers import LineParser
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

    Raises:
        TraceError: it cannot be opened, or its format is unknown; when iterated, also if more
            than `MAX_BROKEN_SHARE` of its lines are broken, or if it holds no call.
    """

    def __init__(self, path: str | Path, form: Format = Format.AUTO) -> None:
        self.source = Source(path)
        self.broken: list[BrokenLine] = []
        """The first `MAX_BROKEN_KEPT` broken lines."""
        self.broken_count = 0
        self.lines = 0
        """Number of lines read so far."""
        self._notes: list[str] = []
        self._reorder_buffer = ReorderBuffer()
        try:
            text = self.source.lines()
            self._head_text = list(islice(text, HEAD_LINES))
            self._head = [line.rstrip(_LINE_END) for line in self._head_text]
            self._stream = map(methodcaller("rstrip", _LINE_END), text)
            self.form = detect_format(self._head) if form is Format.AUTO else form
            self._calls = self._open()
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

    def _open(self) -> Iterable[CallRecord]:
        if self.form is Format.PROMETHEUS:
            return self._histogram_calls()
        reader = line_reader(self.form, self._head)
        self._notes += reader.notes
        calls = self._line_calls(reader.parse, reader.skip)
        return spread_evenly(calls) if reader.whole_seconds else calls

    def _line_calls(self, parse: LineParser, skip: int) -> Iterator[CallRecord]:
        lines = chain(self._head[skip:], self._stream)
        number = skip
        for number, line in enumerate(lines, skip + 1):
            try:
                call = parse(line)
            except ValueError as error:
                self.lines = number
                self._note_broken(str(error))
                continue
            if call is not None:
                yield call
        self.lines = number

    def _histogram_calls(self) -> Iterable[CallRecord]:
        if self._head and self._head[0].lstrip().startswith("{"):
            histograms = read_query_range("".join(self._head_text) + self.source.rest())
        else:
            samples = BucketSamples()
            for line in chain(self._head, self._stream):
                self.lines += 1
                try:
                    read_sample(line, samples)
                except ValueError as error:
                    self._note_broken(str(error))
            self._reject_if_too_broken(least=1)
            histograms = samples.histograms()
        self._notes.append(describe_approximation(histograms))
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
