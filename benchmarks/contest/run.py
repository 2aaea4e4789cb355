"""Contest of breakers on the same simulated traffic: goodput over the best of each cell.

    python -m benchmarks.contest.run [--held-out] [--seeds 1,2] [POLICY...]

A cell is a scenario with a seed; the figure of a scenario is the mean over the seeds, and `geo` the
geometric mean over the scenarios. `SEEDS` are for tuning; `--held-out` takes other seeds, faults of
11 s instead of 7 s, and twice the traffic.
"""

import argparse
from collections.abc import Iterable
from statistics import fmean, geometric_mean
from typing import Final

from benchmarks.contest.policies import POLICIES, driven
from benchmarks.contest.world import Clock, Scenario, goodput, scenarios

SEEDS: Final = (1, 2, 3)
HELD_OUT_SEEDS: Final = (11, 12, 13, 14, 15)
Ratios = dict[str, list[float]]
"""Goodput over the best of the cell by policy, for each scenario."""


def contest(worlds: Iterable[Scenario], seeds: Iterable[int], policies: Iterable[str]) -> Ratios:
    """Run every cell; return the means of the ratios."""
    policies, seeds = list(policies), list(seeds)
    ratios: Ratios = {name: [] for name in policies}
    for world in worlds:
        cells = [{name: run(world, seed, name) for name in policies} for seed in seeds]
        for name in policies:
            ratios[name].append(fmean(cell[name] / max(cell.values()) for cell in cells))
    return ratios


def run(world: Scenario, seed: int, name: str) -> float:
    """Return the goodput of one policy in one cell."""
    clock = Clock()
    with driven(clock):
        return goodput(world, seed, POLICIES[name](clock), clock)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("policies", nargs="*", metavar="POLICY", help=f"of {', '.join(POLICIES)}")
    parser.add_argument("--held-out", action="store_true")
    parser.add_argument("--seeds", help="comma-separated")
    options = parser.parse_args()
    worlds = scenarios(11.0, 2.0) if options.held_out else scenarios()
    seeds: tuple[int, ...] = HELD_OUT_SEEDS if options.held_out else SEEDS
    if options.seeds:
        seeds = tuple(map(int, options.seeds.split(",")))
    ratios = contest(worlds, seeds, options.policies or POLICIES)
    print("| policy | geo | min |", " | ".join(world.name for world in worlds), "|")
    print("| --- |" + " ---: |" * (2 + len(worlds)))
    for name, row in ratios.items():
        figures = [geometric_mean(row), min(row), *row]
        print(f"| {name} |", " | ".join(f"{figure:.3f}" for figure in figures), "|")


if __name__ == "__main__":
    main()
