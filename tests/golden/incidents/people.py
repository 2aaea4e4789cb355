"""Incidents in which people act, and how they are told again."""

from __future__ import annotations

from breakerd import State
from tests.golden.incidents.catalogue import Catalogue
from tests.golden.notifications import FLAPPING_LIMITS
from tests.golden.world import World

PEOPLE = Catalogue()

LATENCY = """
[breakers.payments]
latency_threshold = 600
"""


@PEOPLE.add(
    "15-observe",
    "Shadow mode: every call is slow for three minutes.",
    says=(r"would",),
    never=(r"(?<![Nn]o )calls? (are|is|were) rejected", r"\d rejected"),
)
def observe(world: World) -> None:
    world.start(LATENCY)
    payments = world.callers("payments")
    world.breaker("payments").observe()
    world.warm_up()
    world.say("payments is in OBSERVE: 20 calls/s, 40 ms each; now each takes 2 s")
    payments.ms = 2000
    world.run(180)
    world.say("each takes 40 ms again")
    payments.ms = 40
    world.run(180)


@PEOPLE.add("16-flapping", "The breaker opens and closes five times.", limits=FLAPPING_LIMITS)
def flapping(world: World) -> None:
    world.start(LATENCY)
    payments, breaker = world.callers("payments"), world.breaker("payments")
    world.warm_up()
    for _ in range(5):
        world.say("each call of payments takes 2 s")
        payments.ms = 2000
        world.run_until(lambda: breaker.triggered)
        world.run(8)
        world.say("each takes 40 ms")
        payments.ms = 40
        world.run_until(lambda: breaker.state is State.CLOSED)
        world.run(12)
    world.run(120)


@PEOPLE.add("17-within-cooldown", "The same trouble comes back two minutes after it was over.")
def within_cooldown(world: World) -> None:
    world.start(LATENCY)
    payments = world.callers("payments")
    world.warm_up()
    for _ in range(2):
        world.say("payments: 20 calls/s; now each takes 2 s")
        payments.ms = 2000
        world.run(20)
        world.say("each takes 40 ms again")
        payments.ms = 40
        world.run(100)
    world.say("each takes 2 s, for long")
    payments.ms = 2000
    world.run(300)
    world.say("each takes 40 ms again")
    payments.ms = 40
    world.run(120)


@PEOPLE.add(
    "17b-within-cooldown-errors",
    "Slow calls, and two minutes later failing ones.",
    says=(r"payments OPEN",),
)
def another_cause(world: World) -> None:
    world.start(f"{LATENCY}error_threshold = 0.5\n")
    payments = world.callers("payments", error_ms=5)
    world.warm_up()
    world.say("payments: 20 calls/s; now each takes 2 s")
    payments.ms = 2000
    world.run(20)
    world.say("each takes 40 ms again")
    payments.ms = 40
    world.run(100)
    world.say("each fails after 5 ms")
    payments.failing = 1.0
    world.run(90)
    world.say("none fails any more")
    payments.failing = 0.0
    world.run(120)


@PEOPLE.add(
    "18-tripped-by-hand",
    "ada opens the breaker; it closes by itself.",
    says=(r"by ada: deploying",),
)
def tripped(world: World) -> None:
    world.start(LATENCY)
    world.callers("payments")
    world.warm_up()
    world.say("ada trips payments: deploying")
    world.breaker("payments").trip("ada: deploying")
    world.run(120)


@PEOPLE.add(
    "18b-forced-open",
    "ada forces the breaker open, and resets it after two minutes.",
    says=(r"by ada: deploying",),
)
def forced_open(world: World) -> None:
    world.start(LATENCY)
    world.callers("payments")
    world.warm_up()
    world.say("ada forces payments open: deploying")
    world.breaker("payments").force_open("ada: deploying")
    world.run(120)
    world.say("ada resets it")
    world.breaker("payments").reset(by="ada")
    world.run(90)


@PEOPLE.add(
    "19-restart",
    "The service is restarted while the breaker is open.",
    priorities=("P3", "P2", "P1"),
)
def restart(world: World) -> None:
    world.start(LATENCY)
    payments = world.callers("payments")
    world.warm_up()
    world.say("payments: 20 calls/s, 40 ms each; now each takes 2 s")
    payments.ms = 2000
    world.run(40)
    world.say("the process is killed, and is back 5 s later; calls are as slow")
    world.restart(down=5)
    world.run(330)
    world.say("each takes 40 ms again")
    world.processes[0].traffic.dependencies["payments"].ms = 40
    world.run(120)


@PEOPLE.add(
    "20-acknowledged",
    "ada acknowledges after 90 s; it lasts eight minutes.",
    priorities=("P3", "P2"),
)
def acknowledged(world: World) -> None:
    world.start(LATENCY)
    payments = world.callers("payments")
    world.warm_up()
    world.say("payments: 20 calls/s, 40 ms each; now each takes 2 s")
    payments.ms = 2000
    world.run(90)
    world.say("ada acknowledges in OpsGenie, and in Jira")
    for receiver in world.emulated.values():
        receiver.acknowledge("ada")
    world.run(390)
    world.say("each takes 40 ms again")
    payments.ms = 40
    world.run(120)


@PEOPLE.add("21-closed-by-hand", "ada closes the alert while the trouble goes on.")
def closed_by_hand(world: World) -> None:
    world.start(LATENCY)
    payments = world.callers("payments", rate=5)
    world.warm_up()
    world.say("payments: 5 calls/s, 40 ms each; now each takes 2 s")
    payments.ms = 2000
    world.run(90)
    world.say("ada closes the alert in OpsGenie, and in Jira")
    for receiver in world.emulated.values():
        receiver.close("ada")
    world.run(1920)
    world.say("each takes 40 ms again")
    payments.ms = 40
    world.run(120)


@PEOPLE.add(
    "22-receivers-down",
    "No receiver can be reached in the first four minutes.",
    says=(r"payments (HALF )?OPEN [45] min",),
    priorities=("P2", "P2", "P1"),
)
def receivers_down(world: World) -> None:
    world.start(LATENCY)
    payments = world.callers("payments")
    world.warm_up()
    world.say("the network to all receivers is cut; now each call of payments takes 2 s")
    world.cut_network()
    payments.ms = 2000
    world.run(240)
    world.say("the network is back; calls are as slow")
    world.mend_network()
    world.run(240)
    world.say("each takes 40 ms again")
    payments.ms = 40
    world.run(120)


@PEOPLE.add("23-drill", "ada drills latency.", says=(r"DRILL",))
def drill(world: World) -> None:
    world.start(LATENCY)
    world.callers("payments")
    world.warm_up()
    world.say("ada starts a drill: slow calls are pretended")
    world.breaker("payments").drills.latency()
    world.run(120)
