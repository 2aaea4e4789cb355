from __future__ import annotations

from dataclasses import replace

import pytest

from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.incident_parts.member import Member
from breakerd.alerts.model.step import Step, StepKind
from breakerd.alerts.receivers.slack.messages import Message, alone, reply, root
from tests.unit.alerts.receivers.conftest import CONTENT, make_incident

NAME = "slack.ops"
OPENING = Step(StepKind.CREATE, "P3")
STAGE = Step(StepKind.PRIORITY, "P1", note="Still open after 5 min, now P1.", number=2)
END = Step(StepKind.CLOSE, note="Over: it lasted 42 s. 1,204 calls rejected.")
DESCRIPTION = """\
payments rejects calls.
What to do: look at the dependency.

Latency: p95 900 ms, limit 600 ms
Latest: ▁▂▃▄▅▆▇█ ms

Runbook: https://runbook?a=1&b=<2>
Alert: https://breakerd/alerts/1"""


def lines(message: Message) -> list[str]:
    return [block["text"]["text"] for block in message["blocks"]]


def over(seconds: float = 42.0) -> Incident:
    """Incident that ended after so many seconds, as a P1."""
    incident = make_incident()
    incident.stage = 2
    incident.resolving_since = incident.opened_at + seconds
    return incident


def test_the_preview_of_a_notification_is_the_first_line() -> None:
    message = alone(make_incident(), OPENING, NAME)
    assert message["text"] == "🚨 P3 payments open: p95 900 ms &gt; 600 ms"
    assert lines(message)[0] == "🚨 *P3* payments open: p95 900 ms &gt; 600 ms"


def test_labels_are_bold_sparklines_are_code_and_links_are_links() -> None:
    content = replace(CONTENT, description=DESCRIPTION, details={})
    assert lines(alone(make_incident(content=content), OPENING, NAME))[1:] == [
        "payments rejects calls.\n*What to do:* look at the dependency.",
        "<https://runbook?a=1&amp;b=%3C2%3E|Runbook> · <https://breakerd/alerts/1|Alert>",
        "*Latency:* p95 900 ms, limit 600 ms\n*Latest:* `▁▂▃▄▅▆▇█` ms",
    ]


def test_a_stage_has_its_note_and_the_text_of_now() -> None:
    first, note, *rest = lines(alone(make_incident(), STAGE, NAME))
    assert first.startswith("⏫ *P1* payments open")
    assert note == "Still open after 5 min, now P1."
    assert rest[0] == "It &lt;opened&gt; &amp; rejects calls."


LONG = """\
What: payments OPEN 1 min: p95 900 ms.
Since: 08:00:00 UTC (1 min ago)
Impact: 61% of calls are rejected.
Next: it tries the next calls as probes.
Do: look at the dependency.

In flight: 2 calls"""


def test_nothing_is_said_twice() -> None:
    told = "payments OPEN 1 min, now P1: p95 900 ms, 61% rejected"
    incident = make_incident(content=replace(CONTENT, message=told, description=LONG, details={}))
    brief = (
        "*Impact:* 61% of calls are rejected.\n*Next:* it tries the next calls as probes.\n"
        "*Do:* look at the dependency."
    )
    first, evidence = lines(alone(incident, STAGE, NAME))[1:]
    assert first == f"*Since:* 08:00:00 UTC (1 min ago)\n{brief}"
    assert evidence == "*In flight:* 2 calls"
    assert lines(reply(incident, STAGE, NAME))[1:] == [brief]


def test_what_the_first_line_has_no_room_for_stands_below_it() -> None:
    content = replace(CONTENT, message="payments OPEN 1 min: p95…", description=LONG, details={})
    shown = lines(alone(make_incident(content=content), OPENING, NAME))[1]
    assert shown.startswith("*What:* payments OPEN 1 min: p95 900 ms.")


def test_the_end_has_no_siren_and_no_runbook() -> None:
    assert lines(alone(over(), END, NAME)) == [
        "✅ Resolved after 42 s (was P1): payments",
        "Over: it lasted 42 s. 1,204 calls rejected.",
    ]


def test_what_stood_for_the_incident_says_that_it_is_over_and_what_it_was() -> None:
    assert lines(root(over(), END, NAME)) == [
        "✅ Resolved after 42 s (was P1): payments",
        "Over: it lasted 42 s. 1,204 calls rejected.",
        "Was: payments open: p95 900 ms &gt; 600 ms",
    ]


def test_a_reply_leaves_the_rest_to_what_is_above_it() -> None:
    assert lines(reply(make_incident(), STAGE, NAME)) == [
        "⏫ *P1* payments open: p95 900 ms &gt; 600 ms",
        "Still open after 5 min, now P1.",
    ]


def test_a_note_is_one_line_unless_it_has_several() -> None:
    incident = make_incident()
    assert lines(alone(incident, Step(StepKind.NOTE, note="Open again."), NAME)) == [
        "📝 payments: Open again."
    ]
    long = Step(StepKind.NOTE, note="Open again.\nFor the 2nd time.")
    assert lines(alone(incident, long, NAME)) == ["📝 payments: Open again.", "For the 2nd time."]


@pytest.mark.parametrize("step", [OPENING, STAGE, Step(StepKind.UPDATE, "P3")])
def test_all_breakers_of_an_incident_are_named(step: Step) -> None:
    incident = make_incident()
    incident.members |= {name: Member("open", 0.0) for name in ("cart", "checkout", "search")}
    assert "*Breakers:* payments, cart, checkout, search" in lines(root(incident, step, NAME))


def test_breakers_that_the_description_names_are_not_named_twice() -> None:
    incident = make_incident(content=replace(CONTENT, description="Breakers: payments, cart"))
    incident.members["cart"] = Member("open", 0.0)
    named = [line for line in lines(alone(incident, OPENING, NAME)) if "Breakers" in line]
    assert named == ["*Breakers:* payments, cart"]


def test_a_note_and_the_end_name_the_first_breakers_and_the_number_of_the_others() -> None:
    incident = over()
    incident.members |= {name: Member("open", 0.0) for name in ("cart", "checkout", "search", "x")}
    assert lines(alone(incident, END, NAME))[0].endswith("payments, cart, checkout and 2 more")


def test_names_that_do_not_fit_are_counted() -> None:
    incident = make_incident()
    incident.members = {f"breaker-{n}": Member("open", 0.0) for n in range(10_000)}
    named = lines(alone(incident, OPENING, NAME))[1]
    assert len(named) <= 1020
    shown = named.count("breaker-")
    assert named.endswith(f" and {10_000 - shown:,} more")
    assert shown > 50


def test_a_drill_is_marked_whatever_template_composed_its_message() -> None:
    incident = over()
    incident.drill = True
    assert alone(incident, OPENING, NAME)["text"].startswith("🧪 P3 [DRILL] payments open")
    assert alone(incident, END, NAME)["text"].startswith("✅ [DRILL] Resolved after 42 s")
    note = alone(incident, Step(StepKind.NOTE, note="Open again."), NAME)["text"]
    assert note == "📝 [DRILL] payments: Open again."
    incident.content = replace(CONTENT, message="[DRILL] it is")
    assert alone(incident, OPENING, NAME)["text"] == "🧪 P3 [DRILL] it is"


def test_the_minimal_form_is_the_first_line() -> None:
    incident = make_incident()
    incident.delivery_to(NAME).reduced = True
    assert lines(alone(incident, OPENING, NAME)) == [
        "🚨 *P3* payments open: p95 900 ms &gt; 600 ms"
    ]


def test_no_block_is_longer_than_slack_takes() -> None:
    content = replace(CONTENT, description="x" + "<" * 15_000 + "\n\n" + "\n\n".join("&" * 100))
    for message in (
        alone(make_incident(content=content), OPENING, NAME),
        reply(make_incident(content=content), replace(STAGE, note="&" * 25_000), NAME),
    ):
        assert all(len(line) <= 3000 for line in lines(message))
        assert len(message["blocks"]) <= 50
    assert lines(alone(make_incident(content=content), OPENING, NAME))[1].endswith("&lt;…")


def test_nobody_is_mentioned_by_what_a_caller_may_write() -> None:
    content = replace(CONTENT, message="<!channel> <@U1>", description="<!here|x>")
    message = alone(make_incident(content=content), OPENING, NAME)
    assert not any("<!" in line or "<@" in line for line in (message["text"], *lines(message)))
