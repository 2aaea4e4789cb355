"""Read histograms from Prometheus: responses of `query_range`, and the text format over time."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from math import inf, isfinite
from statistics import median
from typing import Final

from breakerd.breaker.replay.trace.hints import Unit
from breakerd.breaker.replay.trace.histogram import OVERFLOW_FACTOR, Histogram
from breakerd.breaker.replay.trace.rows.columns import OUTCOME_NAMES
from breakerd.breaker.replay.trace.values.durations import SECONDS
from breakerd.breaker.replay.trace.values.outcomes import CallOutcome
from breakerd.breaker.replay.trace.values.times import parse_time

_NAME: Final = "__name__"
_BOUND: Final = "le"
_SAMPLE: Final = re.compile(
    r"([a-zA-Z_:][\w:]*)\{(.*?)\}\s+([0-9.eE+-]+|NaN|\+Inf)(?:\s+([0-9.eE+-]+))?(?:\s+#.*)?\s*"
)
_LABEL: Final = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_STATUS_CLASS: Final = re.compile(r"([1-5])xx")

_NAMED_UNIT: Final = re.compile(rf"_({'|'.join(SECONDS)})(?:_bucket)?$")
_MAX_BOUND: Final = 3600.0
"""Maximum plausible bound in seconds."""
_MIN_LAST_MILLISECONDS: Final = 500.0
"""Minimum last bound of a histogram in milliseconds; one in seconds ends sooner."""

Labels = tuple[tuple[str, str], ...]


class BucketSamples:
    """Collect samples of `*_bucket` series and build histograms; all samples are kept in memory.

    Args:
        unit: unit of the bounds, if the user states it; by default that of the metric's name.
    """

    def __init__(self, unit: Unit | None = None) -> None:
        self.note: str | None = None
        """Assumption about the bounds, as a sentence, once there are histograms."""
        self._stated = unit
        self._values: dict[Labels, dict[float, dict[float, float]]] = defaultdict(dict)
        """Values by labels, time in seconds, and bound as written."""

    def add(self, labels: Mapping[str, str], at: float, value: float) -> None:
        """Add one sample.

        Raises:
            ValueError: it is not a cumulative count of a bucket.
        """
        if _BOUND not in labels:
            raise ValueError(f"found a series without {_BOUND}; wanted *_bucket series")
        if not isfinite(value):
            return
        if not value.is_integer() or value < 0:
            raise ValueError(
                f"found {value:g} as a bucket's count; wanted the counters themselves, not rate() "
                "or increase() of them"
            )
        group = tuple(sorted((k, v) for k, v in labels.items() if k != _BOUND))
        self._values[group].setdefault(at, {})[float(labels[_BOUND])] = value

    def histograms(self) -> list[Histogram]:
        """Return the histograms of all samples.

        Raises:
            ValueError: there are none, they are of more than one metric, or of only one time, or
                the unit of their bounds cannot be known.
        """
        names = {dict(group).get(_NAME, "") for group in self._values}
        if len(names) > 1:
            raise ValueError(f"found histograms of {', '.join(sorted(names))}; a trace is of one")
        if not any(len(rows) > 1 for rows in self._values.values()):
            raise ValueError(
                "found no two scrapes of a histogram; wanted *_bucket series over time"
            )
        bounds = sorted({bound for bound in self._bounds() if isfinite(bound)})
        if not bounds:
            raise ValueError("found no bucket with a finite bound; wanted all *_bucket series")
        unit = self._unit(next(iter(names)), bounds)
        return [_histogram(dict(group), rows, unit) for group, rows in self._values.items()]

    def _unit(self, name: str, bounds: Sequence[float]) -> float:
        """Return the unit of the bounds in seconds: as stated, as named, or as they show it."""
        if self._stated is not None:
            return self._stated.seconds
        named = _NAMED_UNIT.search(name)
        if named is not None:
            return SECONDS[named[1]]
        least, most = min((b for b in bounds if b > 0), default=inf), bounds[-1]
        shown = f"bounds from {least:g} to {most:g}, and {name or 'no name'} to give their unit"
        if most > _MAX_BOUND / SECONDS["ms"] or (most > _MAX_BOUND and least < 1):
            raise ValueError(f"found {shown}; state it: --unit s|ms|us|ns")
        # A histogram in seconds has bounds below one; OpenTelemetry's in milliseconds has not.
        if least >= 1 and most >= _MIN_LAST_MILLISECONDS:
            self.note = f"{shown}: taken as milliseconds; --unit s, if they are seconds"
            return SECONDS["ms"]
        if least >= 1:
            self.note = f"{shown}: taken as seconds; --unit ms, if they are milliseconds"
        return 1.0

    def _bounds(self) -> Iterator[float]:
        return (b for rows in self._values.values() for row in rows.values() for b in row)


def describe_approximation(histograms: list[Histogram]) -> str:
    """Return a sentence for the report on how calls are derived from histograms."""
    steps = [b - a for histogram in histograms for a, b in pairwise(histogram.times)]
    last = max(bound for histogram in histograms for bound in histogram.bounds if bound < inf)
    return (
        "approximation: calls are derived from histogram counts, spread evenly over intervals of "
        f"about {median(steps):g} s, with durations even within each bucket, and from {last:g} to "
        f"{OVERFLOW_FACTOR * last:g} s above the last bound"
    )


def read_query_range(text: str, samples: BucketSamples | None = None) -> list[Histogram]:
    """Return the histograms in a response of `/api/v1/query_range` for `*_bucket` series.

    Args:
        text: the response.
        samples: takes its samples.

    Raises:
        ValueError: it is not such a response.
    """
    answer = json.loads(text)
    data = answer.get("data", answer) if isinstance(answer, dict) else {}
    if not isinstance(data, dict) or data.get("resultType") != "matrix":
        kind = data.get("resultType") if isinstance(data, dict) else type(data).__name__
        raise ValueError(f"found resultType {kind!r}; wanted 'matrix', from query_range")
    samples = samples or BucketSamples()
    try:
        for series in data["result"]:
            for at, value in series["values"]:
                samples.add(series["metric"], float(at), float(value))
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"found a result of another shape than query_range gives: {error}"
        ) from None
    return samples.histograms()


def is_sample(line: str) -> bool:
    """True if the line is a sample of a histogram bucket."""
    found = _SAMPLE.fullmatch(line)
    return found is not None and found[1].endswith("_bucket")


def read_sample(line: str, samples: BucketSamples) -> None:
    """Add one line of the text format to `samples`; skip it if it is not a bucket.

    Raises:
        ValueError: the line is broken, or has no time.
    """
    if not line or line.startswith("#"):
        return
    name = re.match(r"[a-zA-Z_:][\w:]*", line)
    if name is not None and not name[0].endswith("_bucket"):
        return
    found = _SAMPLE.fullmatch(line)
    if found is None:
        raise ValueError(f"found {line[:60]!r}; wanted name_bucket{{le=…}} value time")
    if found[4] is None:
        raise ValueError(
            "this sample has no time; wanted name_bucket{le=…} value time, as in an export over "
            "time, not one scrape"
        )
    labels = dict(_LABEL.findall(found[2])) | {_NAME: found[1]}
    samples.add(labels, parse_time(found[4]), float(found[3]))


def _histogram(
    labels: Mapping[str, str], rows: Mapping[float, Mapping[float, float]], unit: float
) -> Histogram:
    bounds = sorted({bound for row in rows.values() for bound in row} | {inf})
    times = sorted(rows)
    counts: list[list[float]] = []
    for at in times:
        # Counts are cumulative, so a bucket without a sample has at least the count below it.
        row: list[float] = []
        for bound in bounds:
            row.append(max(rows[at].get(bound, 0.0), row[-1] if row else 0.0))
        counts.append(row)
    return Histogram([bound * unit for bound in bounds], times, counts, _failed(labels))


def _failed(labels: Mapping[str, str]) -> bool:
    """True if the labels mark these calls as failed."""
    for name, read_outcome in OUTCOME_NAMES.items():
        if name in labels:
            status = _STATUS_CLASS.sub(r"\g<1>00", labels[name].lower())
            try:
                return read_outcome(status) is CallOutcome.ERROR
            except ValueError:
                continue
    return False
