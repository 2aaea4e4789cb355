"""The service level of levee's example, and its four states."""

from __future__ import annotations

from pathlib import Path

from breakerd import Breaker, Slo, State
from breakerd.api.file_settings import read_file
from breakerd.breaker.testing import ManualClock, simulate_call


def test_its_example_goes_through_its_states(tmp_path: Path) -> None:
    file = tmp_path / "breakers.toml"
    file.write_text("[slo]\nsuccess_rate = 0.95\ntimeout = 0.1\nwarmup = 300\n")
    settings = read_file(file).breakers.root
    assert settings.slo == Slo(success_rate=0.95, timeout=0.1, warmup=300)
    clock = ManualClock()
    breaker = Breaker(settings, clock=clock, memory=lambda: None)
    assert breaker.call(lambda: "answer") == "answer"
    assert breaker.state is State.WARMING_UP, "levee's INIT"
    clock.advance(300)
    for _ in range(50):
        simulate_call(breaker, clock, 20)
    assert breaker.state is State.CLOSED
    while breaker.state is State.CLOSED:
        simulate_call(breaker, clock, 150)  # longer than the timeout
    assert breaker.state is State.OPEN
    while not breaker.allow():
        clock.advance(1)
    assert breaker.state is State.HALF_OPEN
    breaker.close()
