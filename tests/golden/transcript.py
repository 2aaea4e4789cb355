"""Transcript of an incident: what was done, and what each receiver got, line by line with times."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from tests.golden.delivered import Delivered

_INDENT: Final = " " * 10
_SHORT: Final = 90
"""Maximum number of characters of a text that stands beside its name."""


class Transcript:
    """Renders a golden file.

    Args:
        title: what the incident shows.
        start: time that the transcript counts from, in seconds since the epoch.
    """

    def __init__(self, title: str, start: float) -> None:
        self.title = title
        self.start = start
        self.script: list[tuple[float, str]] = []
        """(time, what was done)."""
        self._ids: dict[str, str] = {}

    def render(self, settings: str, delivered: Sequence[Delivered], counts: str) -> str:
        """Return the whole file."""
        lines = [f"# {self.title}", "#", "# Settings:"]
        lines += [f"#     {line}".rstrip() for line in settings.strip().splitlines()]
        lines += ["#", "# What happens:"]
        lines += [f"# {self.time(at)}  {what}" for at, what in self.script]
        lines += ["#", f"# Notifications (marked *): {counts}", ""]
        lines += self._events(delivered)
        return self.normalised("\n".join(lines)) + "\n"

    def time(self, at: float) -> str:
        """Return a time as in a transcript: minutes and seconds from the start."""
        seconds = round(at - self.start)
        return f"{'-' if seconds < 0 else '+'}{abs(seconds) // 60:02}:{abs(seconds) % 60:02}"

    def normalised(self, text: str) -> str:
        """Return `text` without what differs from run to run: ids, ports and versions."""
        text = re.sub(r"http://127\.0\.0\.1:\d+", "http://emulator", text)
        text = re.sub(r"(?m)^( *(?:System|Python|Breakerd): ).*$", r"\1…", text)
        return re.sub(r"\b[0-9a-f]{12}\b", self._numbered, text)

    def _numbered(self, found: re.Match[str]) -> str:
        return self._ids.setdefault(found[0], f"ID{len(self._ids) + 1}")

    def _events(self, delivered: Iterable[Delivered]) -> list[str]:
        lines: list[str] = []
        last_at = float("-inf")
        seen: dict[str, str] = {}
        """Text -> the receiver that got it first, within one moment."""
        latest: dict[tuple[str, str, str], str] = {}
        """(receiver, alert, field) -> its last text."""
        for each in delivered:
            if each.at != last_at:
                lines += ["---"] if lines else []
                seen, last_at = {}, each.at
            star = "*" if each.notifies else " "
            head = f"{self.time(each.at)} {star} {each.receiver:<10} {each.action}"
            head = f"{head} {each.summary}".rstrip()
            lines.append(f"{head}   [{each.subject}]")
            for name, text in each.texts.items():
                known = latest.get((each.receiver, each.subject, name))
                latest[each.receiver, each.subject, name] = text
                first = seen.setdefault(text, f"{each.receiver} {name}")
                if len(text) <= _SHORT:
                    lines += _field(name, text)
                elif first != f"{each.receiver} {name}":
                    lines.append(f"{_INDENT}{name}: as {first}")
                elif text == known:
                    lines.append(f"{_INDENT}{name}: unchanged")
                else:
                    lines += _field(name, text)
        return lines


def _field(name: str, text: str) -> list[str]:
    if "\n" not in text:
        return [f"{_INDENT}{name}: {text}"]
    return [f"{_INDENT}{name}:", *(f"{_INDENT}    {line}".rstrip() for line in text.split("\n"))]
