"""Changes of different settings by several processes, none of which may be lost."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from string import Template
from typing import Any, Final

from tests.support.fleet_processes import Process
from tests.support.thoroughness import THOROUGH

CHANGES: Final = 100 if THOROUGH else 15
"""Changes that each process makes."""
FIRST: Final = 20
"""Value of each setting before; each change gives a higher one."""
FILE: Final = Template("""\
# Four processes write here.
percentile = 0.9 # of all breakers

[breakers.dependency]
# agreed with the team
latency_threshold = $latency_threshold # ms
latency_window_size = $latency_window_size
minimum_calls = $minimum_calls # see the runbook
latency_max_age   =   $latency_max_age
wait_time = $wait_time # s
trend_analysis_min_sample_count = $trend_analysis_min_sample_count
recovery = { probes = $recovery_probes, step_time = $recovery_step_time } # kept on one line
limiter.min_limit = $limiter_min_limit

[breakers.dependency.slo] # from the contract
success_rate = 0.95
timeout = 0.5
warmup = $slo_warmup

# Whoever is on call.
[opsgenie]
team = 'core'
""")
OWN: Final = (
    ("latency_threshold", "recovery.probes", "latency_window_size"),
    ("minimum_calls", "recovery.step_time", "latency_max_age"),
    ("wait_time", "limiter.min_limit"),
    ("trend_analysis_min_sample_count", "slo.warmup"),
)
"""Settings that each of the processes changes, in turns."""

Values = dict[str, int]
Change = Callable[[Values], Mapping[str, Any]]
"""Changes settings in one process, and returns those in force in it; {} changes none."""


def change_in_turns(
    change: Change, keys: tuple[str, ...], file: Path, changes: int = CHANGES
) -> Values:
    """Change one setting after the other; return their last values.

    No change hides that an earlier one was lost: all are looked for in the file after each.
    """
    values = dict.fromkeys(keys, FIRST)
    for number in range(1, changes + 1):
        key = keys[number % len(keys)]
        values[key] = FIRST + number
        in_force = change({key: values[key]})
        assert picked(in_force, values) == values, "in force where it was changed"
        written = tomllib.loads(file.read_text())["breakers"]["dependency"]
        assert picked(written, values) == values, "in the file"
    return values


def of_process(process: Process) -> Change:
    def change(values: Values) -> Mapping[str, Any]:
        answer = process.ask("change", values)
        assert isinstance(answer, dict), answer
        return answer

    return change


def picked(settings: Mapping[str, Any], keys: Values) -> Values:
    """Return the settings of these dotted names."""
    found = {}
    for key in keys:
        value: Any = settings
        for name in key.split("."):
            value = value[name]
        found[key] = value
    return found


def text_with(values: Values) -> str:
    return FILE.substitute({key.replace(".", "_"): value for key, value in values.items()})
