"""Slack's form of a step: a first line for the notification, and blocks to read on a phone. Pure.

Sources: https://docs.slack.dev/reference/block-kit/blocks and
https://docs.slack.dev/messaging/formatting-message-text
"""

import json
import re
from typing import Any, Final

from breakerd.alerts.model.content import AlertContent
from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.step import Step, StepKind
from breakerd.alerts.receivers.rendering import (
    brief,
    content_for,
    further_names,
    headline,
    message,
    split_links,
    stage_text,
    without_repeats,
)

Message = dict[str, Any]

_MAX_SECTION: Final = 2900
"""Maximum number of characters of one block; Slack accepts 3,000."""
_MAX_NAMES: Final = 1000
"""Maximum number of characters of the names of breakers."""
_MAX_BLOCKS: Final = 20
"""Maximum number of blocks; Slack accepts 50."""
_SIGNS: Final = {
    StepKind.CREATE: "🚨",
    StepKind.PRIORITY: "⏫",
    StepKind.UPDATE: "🚨",
    StepKind.NOTE: "📝",
    StepKind.CLOSE: "✅",
}
_DRILL_SIGN: Final = "🧪"
_LABEL: Final = re.compile(r"^([A-Z][\w ()-]{0,39}):(?= |$)")
_SPARKLINE: Final = re.compile(r"[▁▂▃▄▅▆▇█·]{2,}")
_PRIORITY: Final = re.compile(r"^(P[1-5]) ")


def alone(incident: Incident, step: Step, receiver: str) -> Message:
    """Return the message of a step that stands by itself: all of it is in there."""
    content = content_for(incident, receiver)
    first, note = _first(incident, step, receiver), _note(step, content)
    if step.kind is StepKind.CLOSE:
        _, links = split_links(content)
        links.pop("Runbook", None)
        return _message(first, [*note, *_link_line(links)])
    body = [] if step.kind is StepKind.NOTE else _body(incident, content)
    return _message(first, [*note, *body])


def root(incident: Incident, step: Step, receiver: str) -> Message:
    """Return the message that stands for the incident, as it is from `step` on."""
    if step.kind is not StepKind.CLOSE:
        return alone(incident, step, receiver)
    content = content_for(incident, receiver)
    _, links = split_links(content)
    links.pop("Runbook", None)
    was = _section(f"Was: {_escaped(message(incident, content))}")
    note = _note(step, content)
    return _message(_first(incident, step, receiver), [*note, *_link_line(links), was])


def reply(incident: Incident, step: Step, receiver: str) -> Message:
    """Return the message in the thread below `root`, which has all the rest."""
    content = content_for(incident, receiver)
    shown = brief(content) if step.kind is StepKind.PRIORITY else ""
    body = [_section(_formatted(shown))] if shown else _note(step, content)
    return _message(_first(incident, step, receiver), body)


def readable(messages: list[Message]) -> str:
    """Return messages as indented JSON."""
    return "\n".join(json.dumps(each, indent=2, ensure_ascii=False) for each in messages)


def _first(incident: Incident, step: Step, receiver: str) -> str:
    alarm = step.kind not in {StepKind.CLOSE, StepKind.NOTE}
    sign = _DRILL_SIGN if incident.drill and alarm else _SIGNS[step.kind]
    return f"{sign} {headline(incident, step, receiver)}"


def _note(step: Step, content: AlertContent) -> list[Message]:
    """Return the note, as far as neither the first line nor the description has it."""
    text = stage_text(step, content)
    if step.kind is StepKind.NOTE:
        text = text.partition("\n")[2]
    return [_section(_escaped(text))] if text.strip() else []


def _body(incident: Incident, content: AlertContent) -> list[Message]:
    description, links = split_links(content)
    description = without_repeats(description, content)
    paragraphs = [_formatted(each) for each in re.split(r"\n\s*\n", description) if each.strip()]
    if names := further_names(incident, content, _MAX_NAMES):
        paragraphs.insert(0, _formatted(names))
    sections = [_section(each) for each in paragraphs[:_MAX_BLOCKS]]
    # The runbook belongs to what is to be done, which comes before the evidence.
    return [*sections[:1], *_link_line(links), *_where(content), *sections[1:]]


def _formatted(paragraph: str) -> str:
    """Return a paragraph with bold labels, and its sparklines in code spans."""
    lines = [_LABEL.sub(r"*\1:*", _escaped(line)) for line in paragraph.splitlines()]
    return _SPARKLINE.sub(r"`\g<0>`", "\n".join(lines))


def _link_line(links: dict[str, str]) -> list[Message]:
    texts = [f"<{_in_link(url)}|{_escaped(name)}>" for name, url in links.items()]
    return [_section(" · ".join(texts))] if texts else []


def _where(content: AlertContent) -> list[Message]:
    """Return the line that says where it is, which other receivers show as tags."""
    found = (content.details.get(name) for name in ("Environment", "Host", "Team"))
    places = [_escaped(each) for each in found if each]
    return [_section(f"*Where:* {' · '.join(places)}")] if places else []


def _message(first: str, blocks: list[Message]) -> Message:
    text = _escaped(first)
    sign, _, rest = text.partition(" ")
    heading = _section(f"{sign} " + _PRIORITY.sub(r"*\1* ", rest))
    return {"text": text, "blocks": [heading, *blocks], "unfurl_links": False}


def _section(text: str) -> Message:
    return {"type": "section", "text": {"type": "mrkdwn", "text": _cut(text)}}


def _escaped(text: str) -> str:
    """Return `text` with Slack's three control characters escaped."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _cut(text: str) -> str:
    """Return `text`, cut to the length of a block, and never within an escaped character."""
    if len(text) <= _MAX_SECTION:
        return text
    return re.sub(r"&[a-z]*$", "", text[:_MAX_SECTION]) + "…"


def _in_link(url: str) -> str:
    """Return `url` without the characters that would end the link."""
    return url.replace("&", "&amp;").replace("<", "%3C").replace(">", "%3E").replace("|", "%7C")
