"""Changes of settings, by the keys of the file."""

from breakerd import Settings
from breakerd.breaker.events.event_data import event_data
from breakerd.breaker.events.events import SettingsChanged
from breakerd.breaker.events.setting_changes import changes_text
from breakerd.breaker.record.event_source import record_event

PLAIN = Settings(latency_threshold=500)


def told(before: Settings, after: Settings) -> str:
    return changes_text(after.changes_since(before))


def test_a_plain_value() -> None:
    assert told(PLAIN, Settings(latency_threshold=700)) == "latency_threshold: 500 → 700"


def with_candidate(**values: object) -> Settings:
    return Settings.model_validate({"latency_threshold": 500, "candidate": values})


def test_of_a_candidate_only_what_is_set() -> None:
    one, other = with_candidate(latency_threshold=120), with_candidate(wait_time=5)
    assert told(PLAIN, one) == "candidate.latency_threshold: not set → 120"
    assert told(one, PLAIN) == "candidate.latency_threshold: 120 → not set"
    assert told(one, other) == (
        "candidate.latency_threshold: 120 → not set; candidate.wait_time: not set → 5"
    )


def test_of_a_table_only_what_differs() -> None:
    fast = Settings.model_validate({"latency_threshold": 500, "recovery": {"max_wait_time": 7}})
    usual = PLAIN.recovery.max_wait_time
    assert told(PLAIN, fast) == f"recovery.max_wait_time: {usual:g} → 7"


def test_a_table_that_was_added() -> None:
    slo = {"success_rate": 0.99, "timeout": 2}
    with_slo = Settings.model_validate({"latency_threshold": 500, "slo": slo})
    assert told(PLAIN, with_slo) == "slo.success_rate: not set → 0.99; slo.timeout: not set → 2"


def test_the_event_and_its_record_say_the_same() -> None:
    changed = with_candidate(latency_threshold=120).changes_since(PLAIN)
    event = SettingsChanged(breaker="payments", at=1.0, monotonic=1.0, changed=changed)
    assert event_data(event)["changed"] == {"candidate.latency_threshold": [None, 120.0]}
    recorded = record_event(event)
    assert recorded is not None
    assert recorded.text == "settings in force: candidate.latency_threshold: not set → 120"
