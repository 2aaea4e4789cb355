"""Incidents of one breaker: calls are slow, fail or hang, memory or the machine has no room."""

from __future__ import annotations

from breakerd.breaker.host.load import LoadReading
from tests.golden.incidents.catalogue import Catalogue
from tests.golden.world import World

CALLS = Catalogue()

LATENCY = """
[breakers.payments]
latency_threshold = 600
"""
DEFAULTS = """
[breakers.payments]
"""
OBJECTIVE = """
[breakers.search]
slo = { success_rate = 0.99, timeout = 1.0 }
"""


@CALLS.add(
    "01-latency",
    "Calls are slow for half a minute.",
    says=(r"payments OPEN", r"limit (600 ms|0\.6 s)"),
    priorities=("P3",),
)
def latency(world: World) -> None:
    world.start(LATENCY)
    payments = world.callers("payments")
    world.warm_up()
    world.say("payments: 20 calls/s, 40 ms each; now each takes 2 s")
    payments.ms = 2000
    world.run(33)
    world.say("each takes 40 ms again")
    payments.ms = 40
    world.run(90)


@CALLS.add(
    "02-latency-8-minutes",
    "Calls are slow for eight minutes: P3, P2, P1.",
    says=(r"payments OPEN", r"limit (600 ms|0\.6 s)"),
    later=(r"payments (HALF )?OPEN 5 min", r"p95 latency 2,?\d{3} ms .*limit 600 ms"),
    priorities=("P3", "P2", "P1"),
)
def latency_for_long(world: World) -> None:
    world.start(LATENCY)
    payments = world.callers("payments")
    world.warm_up()
    world.say("payments: 20 calls/s, 40 ms each; now each takes 2 s")
    payments.ms = 2000
    world.run(480)
    world.say("each takes 40 ms again")
    payments.ms = 40
    world.run(240)


@CALLS.add(
    "03-errors",
    "All calls fail at once, with no setting at all.",
    says=(r"payments OPEN", r"the last 5 calls failed"),
    priorities=("P3", "P2", "P1"),
)
def errors(world: World) -> None:
    world.start(DEFAULTS)
    payments = world.callers("payments", error_ms=5)
    world.warm_up()
    world.say("payments: 20 calls/s, 40 ms each; now each fails after 5 ms")
    payments.failing = 1.0
    world.run(480)
    world.say("none fails any more")
    payments.failing = 0.0
    world.run(240)


@CALLS.add(
    "04-hang",
    "No call returns any more, with no setting at all.",
    says=(r"payments OPEN",),
    never=(r"(?m)^Latency: p95 \d\d ms",),
    priorities=("P3", "P2"),
)
def hang(world: World) -> None:
    world.start(DEFAULTS)
    payments = world.callers("payments", rate=18)
    world.warm_up()
    world.say("payments: 18 calls/s, 40 ms each; now no call returns")
    payments.hangs = True
    world.run(120)
    world.say("those that hang return, and all others again after 40 ms")
    world.processes[0].traffic.heal(payments)
    world.run(240)


@CALLS.add(
    "05-memory",
    "Memory is nearly used up for three minutes.",
    says=(r"payments OPEN", r"memory .*95 ?%.*limit 80 ?%"),
    never=(r"p95 .*over",),
    priorities=("P3", "P2"),
)
def memory(world: World) -> None:
    world.start(DEFAULTS)
    world.callers("payments")
    world.warm_up()
    world.say("payments: 20 calls/s; the process now uses 95 % of its memory limit")
    world.memory = 0.95
    world.run(180)
    world.say("the process uses 40 % of its memory limit")
    world.memory = 0.4
    world.run(120)


@CALLS.add(
    "06-overload",
    "More calls come than are served: the limiter turns some away.",
    later=(r"turns away [34]\d ?%", r"wanted"),
)
def overload(world: World) -> None:
    world.start(
        """
[breakers.payments]
latency_threshold = 2000
limiter = { enabled = true }
""",
        before=180,
    )
    payments = world.callers("payments", rate=12, ms=200, workers=4)
    world.warm_up()
    world.say("payments: 12 calls/s, 20 can be served; now 31 calls/s come")
    payments.rate = 31
    world.run(480)
    world.say("12 calls/s come again")
    payments.rate = 12
    world.run(180)


@CALLS.add(
    "07-slo-45",
    "45 % of calls fail, where 1 % may.",
    breakers=("search",),
    never=(r"limit 1,?500 ms", r"limit 50 ?%"),
    later=(r"search (misses|has missed) its service level", r"1 ?% allowed, burning 4\d"),
)
def burning_fast(world: World) -> None:
    _burn(world, 0.45, "45 %")


@CALLS.add(
    "08-slo-8",
    "8 % of calls fail, where 1 % may.",
    breakers=("search",),
    never=(r"limit 1,?500 ms", r"limit 50 ?%"),
    later=(r"search (misses|has missed) its service level", r"1 ?% allowed, burning [78]\b"),
)
def burning(world: World) -> None:
    _burn(world, 0.08, "8 %")


@CALLS.add(
    "09-slo-2",
    "2 % of calls fail, where 1 % may.",
    breakers=("search",),
    says=(r"search (misses|has missed) its service level", r"1 ?% allowed", r"burning"),
    never=(r"limit 1,?500 ms", r"limit 50 ?%"),
    priorities=("P4",),
)
def burning_slowly(world: World) -> None:
    _burn(world, 0.02, "2 %")


def _burn(world: World, failing: float, share: str) -> None:
    world.start(OBJECTIVE, before=300)
    search = world.callers("search", rate=20)
    world.warm_up()
    world.say(f"search: 20 calls/s, 40 ms each, 99 % must succeed; now {share} fail")
    search.failing = failing
    world.run(480)
    world.say("none fails any more")
    search.failing = 0.0
    world.run(600 if failing < 0.1 else 240)


@CALLS.add(
    "10-anomaly",
    "Calls are four times as slow as usual, and yet within the objective.",
    breakers=("search",),
    says=(r"slow",),
    never=(r"limit 1,?500 ms",),
)
def anomaly(world: World) -> None:
    world.start(OBJECTIVE, before=900)
    search = world.callers("search", ms=100)
    world.warm_up()
    world.say("search: 20 calls/s, 100 ms each; now each takes 400 ms, where 1 s is allowed")
    search.ms = 400
    world.run(180)
    world.say("each takes 100 ms again")
    search.ms = 100
    world.run(180)


@CALLS.add(
    "24-degraded-becomes-open",
    "Half of the calls fail, two minutes later all do.",
    breakers=("search",),
    says=(r"search",),
    never=(r"limit 1,?500 ms", r"limit 50 ?%"),
)
def degraded_becomes_open(world: World) -> None:
    world.start(OBJECTIVE, before=300)
    search = world.callers("search", rate=20)
    world.warm_up()
    world.say("search: 20 calls/s, 40 ms each, 99 % must succeed; now 45 % fail")
    search.failing = 0.45
    world.run(120)
    world.say("all fail")
    search.failing = 1.0
    world.run(240)
    world.say("none fails any more")
    search.failing = 0.0
    world.run(240)


@CALLS.add(
    "25-machine-load", "The machine has too few CPUs for two minutes.", says=(r"CPU", r"85 ?%")
)
def machine_load(world: World) -> None:
    world.start(
        """
[breakers.payments]
load = { cpu_pressure_threshold = 60 }
"""
    )
    world.callers("payments")
    world.warm_up()
    world.say("payments: 20 calls/s; tasks now wait for a CPU in 85 % of the time")
    world.load = LoadReading(cpu_pressure=85.0)
    world.run(180)
    world.say("they wait in 10 % of the time")
    world.load = LoadReading(cpu_pressure=10.0)
    world.run(120)


@CALLS.add(
    "26-machine-load-rejects",
    "The same, and the settings ask for rejections.",
    says=(r"payments OPEN", r"CPU", r"85 ?%"),
)
def machine_load_rejects(world: World) -> None:
    world.start(
        """
[breakers.payments]
load = { cpu_pressure_threshold = 60, reject = true }
"""
    )
    world.callers("payments")
    world.warm_up()
    world.say("payments: 20 calls/s; tasks now wait for a CPU in 85 % of the time")
    world.load = LoadReading(cpu_pressure=85.0)
    world.run(180)
    world.say("they wait in 10 % of the time")
    world.load = LoadReading(cpu_pressure=10.0)
    world.run(120)
