"""Agreement of replays from a record with replays of the calls themselves, on simulated days.

    python -m benchmarks.studies.replay_from_record [DAYS] [--hours 24] [--troubles 10]

Each day is recorded by a real breaker that rejects nothing. Its slots of each width and its calls
are replayed with the same configurations. A trip of one is found in the other if that has one
within 5 s, or one slot if that is longer. Trips within a minute of the end of another one are also
counted as one outage, since a probe that succeeds by luck is the same trouble. A shorter "day" has
the same course, with more calls in the middle than at its ends.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.studies.recorded_days import Recorded, record
from benchmarks.studies.simulated_days import Day, simulated_day
from breakerd import Settings, Slo
from breakerd.breaker.replay import HistorySource, Outcome, replay

CONFIGURATIONS = {
    "defaults": Settings(),
    "thresholds": Settings(latency_threshold=600, error_threshold=0.5, wait_time=10),
    "service level": Settings(slo=Slo(success_rate=0.95, timeout=1.0)),
}
WIDTHS = (1, 10, 60)
_TOLERANCE = 5.0
_SAME_OUTAGE = 60.0


@dataclass
class Tally:
    """Trips of the calls, trips of the slots, and those of each that the other has as well."""

    calls: int = 0
    slots: int = 0
    found: int = 0
    real: int = 0

    def add(self, calls: Sequence[float], slots: Sequence[float], tolerance: float) -> None:
        """Add the times of trips of one day."""
        self.calls += len(calls)
        self.slots += len(slots)
        self.found += _also_in(calls, slots, tolerance)
        self.real += _also_in(slots, calls, tolerance)

    def row(self) -> str:
        """Return cells of a table."""
        found, real = self.found / max(1, self.calls), self.real / max(1, self.slots)
        return f"{self.calls} | {self.slots} | {found:.1%} | {real:.1%}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("days", nargs="?", type=int, default=20)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--troubles", type=int, default=10)
    options = parser.parse_args()
    days = [
        simulated_day(seed, hours=options.hours, troubles=options.troubles)
        for seed in range(options.first, options.first + options.days)
    ]
    trips, outages = study(days, CONFIGURATIONS)
    for name, tallies in (("trips", trips), ("outages", outages)):
        print(f"\n| width | configuration | {name} of the calls | of the slots | found | real |")
        print("| ---: | --- | ---: | ---: | ---: | ---: |")
        for (width, label), tally in tallies.items():
            print(f"| {width} s | {label} | {tally.row()} |", flush=True)


Tallies = dict[tuple[int, str], Tally]


def study(days: Sequence[Day], settings: Mapping[str, Settings]) -> tuple[Tallies, Tallies]:
    """Return agreement on trips and on outages, by width of the slots and configuration."""
    names = [(width, label) for width in WIDTHS for label in [*settings, "all"]]
    trips, outages = ({name: Tally() for name in names} for _ in range(2))
    for each in days:
        day = record(each, CONFIGURATIONS["defaults"])
        for width, label, calls, slots in compare(day, settings):
            tolerance = max(_TOLERANCE, width)
            for name in ((width, label), (width, "all")):
                trips[name].add(_times(calls), _times(slots), tolerance)
                outages[name].add(_outages(calls), _outages(slots), tolerance)
        print(f"day {each.seed}: {len(day.calls)} calls", file=sys.stderr, flush=True)
    return trips, outages


def compare(
    day: Recorded, settings: Mapping[str, Settings]
) -> list[tuple[int, str, Outcome, Outcome]]:
    """Return the outcomes of the calls and of the slots, by width and configuration."""
    truth = replay(day.calls, settings).outcomes
    found = []
    for width in WIDTHS:
        outcomes = replay(HistorySource("day", day.slots[width]), settings).outcomes
        pairs = zip(truth, outcomes, strict=True)
        found += [(width, calls.label, calls, slots) for calls, slots in pairs]
    return found


def _times(outcome: Outcome) -> list[float]:
    return [trip.at for trip in outcome.trips]


def _outages(outcome: Outcome) -> list[float]:
    """Return the first trip of each outage."""
    begins: list[float] = []
    well_since = float("-inf")
    for trip in outcome.trips:
        if trip.at > well_since + _SAME_OUTAGE:
            begins.append(trip.at)
        well_since = trip.closed_at if trip.closed_at is not None else float("inf")
    return begins


def _also_in(these: Sequence[float], others: Sequence[float], tolerance: float) -> int:
    """Return how many of the times have one of their own among the others, in order."""
    matched = place = 0
    for each in these:
        while place < len(others) and others[place] < each - tolerance:
            place += 1
        if place < len(others) and others[place] <= each + tolerance:
            matched += 1
            place += 1
    return matched


if __name__ == "__main__":
    main()
