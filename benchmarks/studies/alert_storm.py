"""Cost of a call while 10,000 other breakers of the process open, with and without alerting.

    python -m benchmarks.studies.alert_storm [ROUNDS]

Rounds with and without alerting alternate in one run. In each, one thread opens all breakers while
another calls `allow` and `done` of one that stays closed. Prints the cost of these calls, and the
ratio.
"""

import gc
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

from pydantic import SecretStr

from breakerd import (
    Alerting,
    AlertingSettings,
    AlertsSettings,
    Breaker,
    OpsGenieSettings,
    Registry,
    Settings,
)
from breakerd.alerts.emulator import Emulator

BREAKERS = 10_000
SECONDS = 4.0
BATCH = 200


def main() -> None:
    """Measure, and print a table."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    costs_of: dict[bool, list[list[float]]] = {True: [], False: []}
    alerts = 0
    for _ in range(rounds):
        for alerting in (True, False):
            costs, sent = one_round(alerting=alerting)
            costs_of[alerting].append(costs)
            alerts += sent
    print(f"{BREAKERS:,} breakers open within a second; {rounds} rounds; alerts sent: {alerts}")
    print("| per call | with alerting | without | ratio |")
    print("| --- | --- | --- | --- |")
    for name, at in (("median", 0.5), ("p95", 0.95), ("p99", 0.99)):
        with_it, without = (
            statistics.median(percentile(costs, at) for costs in costs_of[which])
            for which in (True, False)
        )
        print(f"| {name} | {with_it:.0f} ns | {without:.0f} ns | {with_it / without:.2f} |")


def one_round(*, alerting: bool) -> tuple[list[float], int]:
    """Return nanoseconds per call, each the mean of a batch, and the number of alerts sent."""
    registry = Registry(Settings(latency_window_size=64), memory=lambda: None)
    names = [f"b{number}" for number in range(BREAKERS)]
    for name in names:
        registry.get(name)
    watched = registry.get("watched")
    with tempfile.TemporaryDirectory() as folder, Emulator() as emulator:
        opsgenie = OpsGenieSettings(enabled=True, api_key=SecretStr("k"), api_url=emulator.url)
        own = AlertsSettings(database=str(Path(folder) / "x.db"), attach_chart=False)
        manager = Alerting(registry, AlertingSettings(opsgenie, own)) if alerting else None
        if manager is not None:
            manager.start()
        costs = measure(registry, names, watched)
        if manager is not None:
            manager.close()
        return costs, len(emulator.alerts())


def measure(registry: Registry, names: list[str], watched: Breaker) -> list[float]:
    """Call `watched` while the others open, and return nanoseconds per call."""
    opener = threading.Thread(target=open_all, args=(registry, names))
    gc.collect()
    gc.disable()
    opener.start()
    costs = []
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        before = time.perf_counter_ns()
        for _ in range(BATCH):
            if watched.allow():
                watched.done(0.0, 0.001)
        costs.append((time.perf_counter_ns() - before) / BATCH)
        time.sleep(0.0002)
    opener.join()
    gc.enable()
    return costs


def open_all(registry: Registry, names: list[str]) -> None:
    """Open all of them, spread over about a second."""
    for index, name in enumerate(names):
        registry.get(name).force_open("a benchmark")
        if index % 100 == 0:
            time.sleep(0.01)


def percentile(costs: list[float], at: float) -> float:
    """Return the value that the share `at` of `costs` is below."""
    return sorted(costs)[int(len(costs) * at)]


if __name__ == "__main__":
    main()
