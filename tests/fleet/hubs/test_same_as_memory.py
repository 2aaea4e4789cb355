"""Every hub answers as the one in memory does, whatever members bring and whatever is lost."""

from __future__ import annotations

import random

import pytest

from breakerd.breaker.fleet.episode import Episode, Trouble, closed, opened, ramping
from breakerd.breaker.fleet.hub.memory import MemoryHub
from breakerd.breaker.fleet.messages import (
    Act,
    BreakerReport,
    LeaseResult,
    MemberInfo,
    Register,
    Report,
    ScopeReport,
    Slot,
    Totals,
    View,
)
from tests.support.fleet_hubs import DrivenTime, HubUnderTest, shown

POOLS = ("payments|web", "mail|web", "payments|worker")


class Players:
    """Members that do at random what members do; the same ones for the same number."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        hosts = [("a", "x"), ("a", "x"), ("b", "x"), ("c", "y"), ("", ""), ("d", "")]
        self.infos = [
            MemberInfo(f"m{n}", 1, host, zone, "web", n, "1", "d", (("pod", f"ü{n}"),))
            for n, (host, zone) in enumerate(hosts)
        ]
        self.seqs = [0] * len(hosts)
        self.views: dict[int, View] = {}
        self.last: dict[int, Report] = {}
        self.windows: dict[tuple[str, str], BreakerReport] = {}

    def next_report(self, now: float) -> tuple[int, Report]:
        """Return a member's number and its report; sometimes one that it sent before."""
        draw = self.random
        number = draw.randrange(len(self.infos))
        if number in self.last and draw.random() < 0.15:
            return number, self.last[number]
        if draw.random() < 0.05:
            self.infos[number] = self.infos[number]._replace(
                incarnation=self.infos[number].incarnation + 1
            )
            self.seqs[number] = 0
        if draw.random() < 0.03:
            self.infos[number] = self.infos[number]._replace(host=draw.choice("abc"))
        self.seqs[number] += 1
        view = self.views.get(number)
        report = Report(
            self.infos[number],
            self.seqs[number],
            epoch=view.epoch if view else "",
            register_version=view.register_version if view else 0,
            breakers=tuple(
                self._breaker(pool, self.infos[number], view, now)
                for pool in POOLS
                if draw.random() < 0.8
            ),
            registers=self._brought(now),
            applied=tuple((a.id, draw.choice(["done", "no"])) for a in view.acts) if view else (),
            leaving=draw.random() < 0.03,
        )
        self.last[number] = report
        return number, report

    def _brought(self, now: float) -> tuple[Register, ...]:
        draw = self.random
        if draw.random() > 0.1:
            return ()
        at = now - draw.random() * 100
        return (Register("mail", "observe", "0000", at, f"r{draw.random()}", "nöte", "ada"),)

    def _breaker(self, pool: str, info: MemberInfo, view: View | None, now: float) -> BreakerReport:
        draw = self.random
        slots = tuple(
            Slot(
                n,
                calls := draw.choice([0, 1, 2, 7]),
                draw.randint(0, calls),
                calls + 1,
                15,
                calls,
                draw.randint(0, calls),
            )
            for n in range(int(now) - 8, int(now) + 1)
            if draw.random() < 0.7
        )
        calls, failures = sum(s.calls for s in slots), sum(s.failures for s in slots)
        totals = Totals(calls, failures, 1, 2, 3, 4, 1500, 2)
        seen = {
            p.scope: p for b in (view.breakers if view else ()) if b.pool == pool for p in b.scopes
        }
        scopes = []
        for scope in info.scopes:
            episode = seen[scope].episode if scope in seen else None
            lease = seen[scope].lease if scope in seen else None
            scopes.append(
                ScopeReport(
                    scope,
                    (episode.generation if episode else 0) + (draw.random() < 0.1),
                    episode.version if episode else 0,
                    draw.choice([0.0, 0.3, 2.0]),
                    LeaseResult(lease.id, draw.choice(["good", "bad", "unused"]))
                    if lease and draw.random() < 0.7
                    else None,
                    self._proposal(episode or Episode(), now) if draw.random() < 0.15 else None,
                )
            )
        state = draw.choice(["closed", "open", "half_open"])
        sketch = (draw.randint(90, 110), 3, 0, calls)
        before = self.windows.get((info.id, pool))
        if before is not None and draw.random() < 0.4:  # nobody has called it since
            return before._replace(scopes=tuple(scopes))
        made = BreakerReport(pool, state, slots, totals, sketch, tuple(scopes))
        self.windows[info.id, pool] = made
        return made

    def _proposal(self, before: Episode, now: float) -> Episode:
        draw = self.random
        if before.phase == "closed":
            return opened(before, now, Trouble(2, 3, int(now), 1500, "failure_streak"))
        return draw.choice([ramping(before, now, draw.random()), closed(before, now)])


@pytest.mark.parametrize("seed", range(4))
def test_it_answers_as_the_one_in_memory(tested: HubUnderTest, time: DrivenTime, seed: int) -> None:
    twin = DrivenTime()
    model, players = MemoryHub(lambda: time.now, twin.new_id), Players(seed)
    draw = random.Random(seed)
    for step in range(150):
        time.now = round(time.now + draw.choice([0.01, 0.1, 0.4, 1.0]), 3)
        if draw.random() < 0.02:
            time.now += 6
        number, report = players.next_report(time.now)
        expected = model.exchange(report)
        view = tested.hub.exchange(report)
        assert shown(view) == shown(expected), f"step {step}"
        if draw.random() < 0.9:
            players.views[number] = view
        if draw.random() < 0.05:
            register = Register("payments", draw.choice(["disabled", ""]), id=f"c{step}")
            assert tested.hub.set_mode(register) == model.set_mode(register)
        if draw.random() < 0.08:
            act = Act(f"a{step}", "trip", "payments", note="»now«", actor="ada")
            assert tested.hub.act(act) == model.act(act)
            assert tested.hub.progress("payments", act.id) == model.progress("payments", act.id)
    assert sorted(tested.hub.members()) == sorted(model.members())
    for pool in POOLS:
        assert tested.hub.pool(pool, "fleet") == model.pool(pool, "fleet")
        assert tested.hub.pool(pool, "host:a") == model.pool(pool, "host:a")
    for step in range(150):
        assert tested.hub.progress("payments", f"a{step}") == model.progress("payments", f"a{step}")
