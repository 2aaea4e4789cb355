"""Incidents of several breakers, or of several processes; silences."""

from __future__ import annotations

from tests.golden.incidents.catalogue import Catalogue
from tests.golden.traffic import Dependency
from tests.golden.world import World

GROUPS = Catalogue()

SIX = ("cart", "checkout", "orders", "payments", "profile", "search")
SHOP = "\n".join(f"[breakers.{name}]\nlatency_threshold = 600\n" for name in SIX)
BATCH = "\n".join(f"[breakers.{name}]\nlatency_threshold = 600\n" for name in ("batch", "checkout"))
PAYMENTS = """
[breakers.payments]
latency_threshold = 600
"""


def _slow(dependencies: list[Dependency], ms: float = 2000) -> None:
    for dependency in dependencies:
        dependency.ms = ms


@GROUPS.add(
    "11-shared-dependency",
    "A shared dependency dies: six breakers trip in one tick.",
    breakers=SIX,
    priorities=("P3", "P2"),
)
def shared_dependency(world: World) -> None:
    world.start(SHOP)
    all_six = [world.callers(name) for name in SIX]
    world.warm_up()
    world.say("six breakers, 20 calls/s each, 40 ms each; now each call takes 2 s")
    _slow(all_six)
    world.run(150)
    world.say("each takes 40 ms again")
    _slow(all_six, 40)
    world.run(120)


@GROUPS.add("12-others-join", "Two breakers trip, three more ten seconds later.", breakers=SIX[:5])
def others_join(world: World) -> None:
    world.start(SHOP)
    five = [world.callers(name) for name in SIX[:5]]
    world.warm_up()
    world.say("five breakers, 20 calls/s each; now calls of cart and checkout take 2 s")
    _slow(five[:2])
    world.run(10)
    world.say("calls of orders, payments and profile take 2 s, too")
    _slow(five[2:])
    world.run(140)
    world.say("each takes 40 ms again")
    _slow(five, 40)
    world.run(120)


@GROUPS.add(
    "13-silenced-first",
    "`batch`, which is silenced, trips before `checkout` does.",
    breakers=("checkout",),
    says=(r"checkout OPEN",),
    never=(r"\bbatch\b",),
    priorities=("P3", "P2", "P1"),
)
def silenced_first(world: World) -> None:
    world.start(BATCH)
    batch, checkout = world.callers("batch"), world.callers("checkout")
    world.warm_up()
    world.alerting.add_silence(author="ada", reason="nightly import", seconds=3600, breaker="batch")
    world.say("ada has silenced batch for an hour; now calls of batch take 2 s")
    batch.ms = 2000
    world.run(10)
    world.say("calls of checkout take 2 s, too")
    checkout.ms = 2000
    world.run(400)
    world.say("calls of checkout take 40 ms again, those of batch do not")
    checkout.ms = 40
    world.run(120)


@GROUPS.add(
    "14-silence-ends",
    "A silence ends while the incident lasts.",
    says=(r"payments OPEN 3 min, now P2: p95 latency",),
    priorities=("P2", "P1"),
)
def silence_ends(world: World) -> None:
    world.start(PAYMENTS)
    payments = world.callers("payments")
    world.warm_up()
    world.alerting.add_silence(
        author="ada", reason="deploying 2.4", seconds=240, breaker="payments"
    )
    world.say("ada has silenced payments for 4 minutes; now its calls take 2 s")
    payments.ms = 2000
    world.run(480)
    world.say("each takes 40 ms again")
    payments.ms = 40
    world.run(120)


@GROUPS.add("27-two-processes", "Two processes see the same dependency fail.")
def two_processes(world: World) -> None:
    world.start(PAYMENTS, processes=2)
    both = [
        world.callers("payments", rate=20),
        world.callers("payments", rate=5, process=1),
    ]
    world.warm_up()
    world.say("payments: 20 calls/s in one process, 5 in the other; now they take 2 s, and 4 s")
    both[0].ms, both[1].ms = 2000, 4000
    world.run(400)
    world.say("each takes 40 ms again")
    _slow(both, 40)
    world.run(120)
