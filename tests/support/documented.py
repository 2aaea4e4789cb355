"""Fenced blocks of the documentation, and the commands in them."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[2]
PAGES = [
    PROJECT / "README.md",
    PROJECT / "CONTRIBUTING.md",
    PROJECT / "SECURITY.md",
    *sorted((PROJECT / "docs").rglob("*.md")),
]
_FENCED = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: its page below the project's folder, first line, language and text."""

    page: str
    line: int
    language: str
    text: str

    @property
    def head(self) -> str:
        """Its first line, by which tests name it."""
        return self.text.partition("\n")[0]

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


@dataclass(frozen=True)
class Command:
    """A command as printed, and the output printed below it."""

    text: str
    output: tuple[str, ...]


def blocks(language: str | None = None) -> list[Block]:
    """Return the blocks of all pages; with `language`, only those in it."""
    return [
        block
        for page in PAGES
        for block in _blocks_of(page)
        if language is None or block.language == language
    ]


def commands(block: Block) -> list[Command]:
    """Return the commands of a block of `console`, or of `sh`, where comments are the output."""
    prompt, output = ("$ ", "") if block.language == "console" else ("", "# ")
    found: list[tuple[str, list[str]]] = []
    lines = iter(block.text.splitlines())
    for line in lines:
        printed = line.startswith(output) if output else not line.startswith(prompt)
        if printed and found:
            found[-1][1].append(line.removeprefix(output))
        if printed:
            continue
        command = line.removeprefix(prompt)
        while command.endswith("\\"):
            command = command[:-1].rstrip() + " " + next(lines).strip()
        found.append((command, []))
    return [Command(text, tuple(below)) for text, below in found]


def _blocks_of(page: Path) -> Iterator[Block]:
    text = page.read_text()
    for match in _FENCED.finditer(text):
        line = text[: match.start()].count("\n") + 1
        name = str(page.relative_to(PROJECT))
        yield Block(name, line, match[2], textwrap.dedent(match[3]))
