"""Random histories of a hub: sums hold and words reach everybody, whatever is lost or doubled."""

from __future__ import annotations

import copy
from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from breakerd.breaker.fleet.commands import CommandLog
from breakerd.breaker.fleet.episode import Episode, Trouble, closed, opened, ramping
from breakerd.breaker.fleet.hub.pool import CAP
from breakerd.breaker.fleet.messages import FLEET, Act, PoolSlot, Register, Report, Slot, View
from tests.support.fleet_reports import POOL, DrivenHub, MadeMember
from tests.support.thoroughness import examples

NAMES = "abcd"
HOSTS = {"a": "h1", "b": "h1", "c": "h2", "d": "h2"}
TROUBLE = Trouble(bad=3, units=4, first_slot=1000)


class Simulated(MadeMember):
    """A member with what it knows: its last window, its commands, and what it has done."""

    def __init__(self, name: str) -> None:
        super().__init__(name, HOSTS[name])
        self.log = CommandLog()
        self.window: dict[int, tuple[int, int]] = {}
        self.proposal: Episode | None = None
        self.expected = 0
        self.modes: dict[str, str] = {}
        self.acts: Counter[str] = Counter()
        self.epoch = ""

    def next_report(self) -> Report:
        slots = [Slot(n, c, f, offered=c) for n, (c, f) in sorted(self.window.items())]
        return self.report(
            *slots,
            proposal=self.proposal,
            epoch=self.epoch,
            register_version=self.log.version,
            registers=self.log.missing,
            applied=self.log.outcomes,
        )

    def apply(self, view: View, outcomes: tuple[tuple[str, str], ...]) -> None:
        self.log.told(outcomes)
        self.epoch = view.epoch
        self.proposal = None
        for pool in view.breakers[0].scopes:
            told, known = pool.episode or Episode(), self.known.get(pool.scope, Episode())
            if told.version < known.version:
                self.proposal = known if pool.scope == FLEET else self.proposal
                continue
            if told.generation != known.generation:
                self.window.clear()
            self.known[pool.scope] = told
        for register in self.log.take_modes(view):
            self.modes[register.breaker] = register.mode
        for act in self.log.take_acts(view):
            self.acts[act.id] += 1
            self.log.note(act.id, "done")


class HubHistory(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.hub = DrivenHub()
        self.members = {name: Simulated(name) for name in NAMES}
        self.reported: dict[str, Report] = {}
        """Last report of each member that the hub has taken."""
        self.backup = copy.deepcopy(self.hub.records)
        self.backup_reported: dict[str, Report] = {}
        self.backup_at = self.hub.now
        self.commands = 0

    # --- calls and time

    @rule(seconds=st.sampled_from([0.05, 0.05, 0.3, 1.0, 2.0, 6.0]))
    def time_passes(self, seconds: float) -> None:
        self.hub.now += seconds
        for member in self.members.values():
            for number in [n for n in member.window if n <= self.hub.now - 10]:
                del member.window[number]

    # --- exchanges

    @rule(name=st.sampled_from(NAMES), calls=st.integers(0, 5), failures=st.integers(0, 5))
    def calls_and_exchanges(self, name: str, calls: int, failures: int) -> None:
        member = self.members[name]
        self._call(member, calls, failures)
        report = member.next_report()
        member.apply(self._exchange(report), report.applied)

    @rule(names=st.permutations(NAMES), failures=st.integers(0, 2))
    def all_call_and_exchange(self, names: list[str], failures: int) -> None:
        for name in names:
            self.calls_and_exchanges(name, 2, failures)

    @rule(name=st.sampled_from(NAMES), calls=st.integers(0, 5), comes_again=st.booleans())
    def an_answer_is_lost(self, name: str, calls: int, comes_again: bool) -> None:
        member = self.members[name]
        self._call(member, calls, calls)
        report = member.next_report()
        self._exchange(report)
        if comes_again:
            member.apply(self._exchange(report), report.applied)

    @rule(name=st.sampled_from(NAMES))
    def an_old_report_comes_late(self, name: str) -> None:
        member = self.members[name]
        old = member.next_report()
        self._call(member, 2, 1)
        self._exchange(member.next_report())
        self.hub.exchange(old)

    def _call(self, member: Simulated, calls: int, failures: int) -> None:
        if calls:
            number = int(self.hub.now)
            c, f = member.window.get(number, (0, 0))
            member.window[number] = (c + calls, f + min(calls, failures))

    def _exchange(self, report: Report) -> View:
        view = self.hub.exchange(report)
        self.reported[report.member.id] = report
        return view

    # --- episodes and commands

    @rule(name=st.sampled_from(NAMES), kind=st.sampled_from(["open", "ramp", "close"]))
    def proposes(self, name: str, kind: str) -> None:
        member = self.members[name]
        known = member.known.get(FLEET, Episode())
        if kind == "open":
            member.proposal = opened(known, self.hub.now, TROUBLE)
        elif kind == "ramp" and known.in_force:
            member.proposal = ramping(known, self.hub.now, 0.1)
        elif kind == "close" and known.in_force:
            member.proposal = closed(known, self.hub.now)

    @rule(mode=st.sampled_from(["disabled", "forced_open", ""]))
    def an_operator_sets_a_mode(self, mode: str) -> None:
        self.commands += 1
        self.hub.now += 0.01
        register = Register("payments", mode, id=f"c{self.commands}")
        self.hub.state.set_mode(register, self.hub.now)

    @rule()
    def an_operator_acts(self) -> None:
        self.commands += 1
        self.hub.state.act(Act(f"x{self.commands}", "trip", "payments"), self.hub.now)

    # --- faults

    @rule()
    def the_state_is_copied(self) -> None:
        self.backup = copy.deepcopy(self.hub.records)
        self.backup_reported, self.backup_at = dict(self.reported), self.hub.now

    @rule()
    def the_state_goes_back(self) -> None:
        if self.hub.now - self.backup_at > 2.0:
            return
        self.hub.records.__dict__.update(copy.deepcopy(self.backup).__dict__)
        self.reported = dict(self.backup_reported)

    @rule()
    def the_hub_is_wiped(self) -> None:
        self.hub.now += 0.01
        self.hub.wipe()
        self.reported.clear()

    # --- what must hold

    @invariant()
    def sums_are_those_of_the_last_reports(self) -> None:
        pool = self.hub.fleet()
        generation = pool.episode.generation if pool.episode else 0
        expected: dict[int, list[int]] = {}
        offered: Counter[int] = Counter()
        for name, report in self.reported.items():
            record = self.hub.records.get(f"member:{name}")
            if record is None or not record["live"]:
                continue
            breaker = report.breakers[0]
            same = record["windows"][POOL]["counted"].get(FLEET) == generation
            for slot in breaker.slots:
                offered[slot.number] += slot.offered
                if same and slot.calls:
                    counted = min(slot.calls, CAP)
                    row = expected.setdefault(slot.number, [0, 0, 0, 0])
                    row[0] += counted
                    row[1] += round(counted * slot.failures / slot.calls)
                    row[2] += 1
                    row[3] += 2 * slot.failures > slot.calls
        for summed in pool.slots:
            assert _evidence(summed) == expected.get(summed.number, [0, 0, 0, 0])
            assert summed.offered == offered[summed.number]
        assert pool.members == sum(
            1
            for name in self.reported
            if (self.hub.records.get(f"member:{name}") or {}).get("live")
        )

    @invariant()
    def nobody_counts_with_another_generation(self) -> None:
        for name, report in self.reported.items():
            record = self.hub.records.get(f"member:{name}")
            if record is None or not record["live"]:
                continue
            counted = record["windows"][POOL]["counted"]
            scopes = {scope.scope: scope.generation for scope in report.breakers[0].scopes}
            assert all(scopes[scope] == generation for scope, generation in counted.items())

    @invariant()
    def an_act_is_done_once(self) -> None:
        for member in self.members.values():
            assert all(count == 1 for count in member.acts.values())

    def teardown(self) -> None:
        """Let all exchange in peace: they agree, and keep what anybody knew."""
        latest = max(
            (register for m in self.members.values() for register in m.log.registers),
            key=lambda register: register.order,
            default=None,
        )
        version = max(m.known.get(FLEET, Episode()).version for m in self.members.values())
        for member in self.members.values():
            member.proposal = None
        for _ in range(3):
            for member in self.members.values():
                report = member.next_report()
                member.apply(self._exchange(report), report.applied)
        modes = {member.modes.get("payments", "") for member in self.members.values()}
        episodes = {member.known[FLEET] for member in self.members.values()}
        assert len(modes) == 1
        assert len(episodes) == 1
        assert next(iter(episodes)).version >= version
        registers = {register for m in self.members.values() for register in m.log.registers}
        assert len(registers) <= 1
        if latest is not None:
            assert next(iter(registers)).order >= latest.order


def _evidence(slot: PoolSlot) -> list[int]:
    return [slot.calls, slot.failures, slot.members, slot.bad_members]


HubHistory.TestCase.settings = settings(max_examples=examples(60), stateful_step_count=50)
TestHubHistory = HubHistory.TestCase
