"""What a call costs while 10,000 other breakers of the process open, with alerting and without.

Run with `python -m benchmarks.alerting [ROUNDS]` from the project's folder. Rounds with and without
alerting take turns in one run; each opens all breakers from a thread of its own while another calls
`allow` and `done` of one that stays closed. Printed are the cost of a call in the middle of it all,
and the ratio.
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
    """Measures, and prints a table."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    found: dict[bool, list[list[float]]] = {True: [], False: []}
    alerts = 0
    for _ in range(rounds):
        for alerting in (True, False):
            costs, sent = one_round(alerting=alerting)
            found[alerting].append(costs)
            alerts += sent
    print(f"{BREAKERS:,} breakers open within a second; {rounds} rounds; alerts sent: {alerts}")
    print("| per call | with alerting | without | ratio |")
    print("| --- | --- | --- | --- |")
    for name, at in (("median", 0.5), ("p95", 0.95), ("p99", 0.99)):
        with_it, without = (
            statistics.median(percentile(costs, at) for costs in found[which])
            for which in (True, False)
        )
        print(f"| {name} | {with_it:.0f} ns | {without:.0f} ns | {with_it / without:.2f} |")


def one_round(*, alerting: bool) -> tuple[list[float], int]:
    """The costs of calls in ns, each the mean of a batch, and how many alerts were sent."""
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
        costs = measured(registry, names, watched)
        if manager is not None:
            manager.close()
        return costs, len(emulator.alerts())


def measured(registry: Registry, names: list[str], watched: Breaker) -> list[float]:
    """Calls `watched` while the others open."""
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
    """Opens all of them, spread over about a second."""
    for index, name in enumerate(names):
        registry.get(name).force_open("a benchmark")
        if index % 100 == 0:
            time.sleep(0.01)


def percentile(costs: list[float], at: float) -> float:
    """That share of `costs` is lower."""
    return sorted(costs)[int(len(costs) * at)]


if __name__ == "__main__":
    main()
