"""Comments that silence rules: `# breakerd: allow RULE[, RULE …] [reason]`.

Where one stands says what it is for: behind a value, or directly above it: for that value; behind
the header of a table, directly above it, or anywhere else in the table on a line of its own: for
the table and those below it; in the head of the file, before an empty line: for the whole file.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from breakerd.breaker.config import Document, Key
from breakerd.breaker.config.file.reading import without_mark
from breakerd.breaker.config.toml.scan import Statement, comments, statements

_DIRECTIVE: Final = re.compile(r"#\s*breakerd:\s*([\w-]+)(.*)")
_ALLOW: Final = "allow"


@dataclass(frozen=True, slots=True)
class Misspelt:
    """An allow comment that silences nothing.

    Attributes:
        line: its line, from 1.
        found: the word that is not known.
        meant: what it is close to; empty if to nothing.
        is_rule: True if the word stands for a rule, False if it stands for `allow`.
    """

    line: int
    found: str
    meant: str
    is_rule: bool


class Allowances:
    """The rules that the comments of a file silence, and where.

    Args:
        document: the file.
        rules: names of all rules.
    """

    def __init__(self, document: Document, rules: Sequence[str]) -> None:
        self.misspelt: list[Misspelt] = []
        self._allowed: set[tuple[str, Key]] = set()
        self._rules = rules
        text = without_mark(document.text)
        self._lines = text.split("\n")
        self._statements = list(statements(text))
        self._elements = _elements(self._statements)
        self._last_lines = [_last_line(text, each) for each in self._statements]
        for line, comment in comments(text):
            if directive := _DIRECTIVE.match(comment):
                self._take(line, directive[1], directive[2])

    def silence(self, rule: str, keys: Sequence[Key]) -> bool:
        """Return True if a comment allows the rule at one of the keys, or at a table around it."""
        return any(
            (rule, key[:length]) in self._allowed for key in keys for length in range(len(key) + 1)
        )

    def line_of_element(self, key: Key) -> int:
        """Return the line of an element of `[[…]]`, whose key ends with its index; 0 if none."""
        return self._elements.get(key, 0)

    def _take(self, line: int, word: str, names: str) -> None:
        if word != _ALLOW:
            # Other comments may begin like this, so only what looks like a slip is told.
            if get_close_matches(word, [_ALLOW], n=1):
                self.misspelt.append(Misspelt(line, word, _ALLOW, is_rule=False))
            return
        place = self._place(line)
        for name in _names(names):
            if name in self._rules:
                self._allowed.add((name, place))
            else:
                close = get_close_matches(name, self._rules, n=1)
                self.misspelt.append(Misspelt(line, name, "".join(close), is_rule=True))

    def _place(self, line: int) -> Key:
        """Return the key that a comment in `line` is for; empty for the whole file."""
        before: Statement | None = None
        for statement, last in zip(self._statements, self._last_lines, strict=True):
            if statement.line > line:
                follows = self._is_comment_until(line, statement.line)
                return statement.key if follows else _table_of(before)
            if line <= last:
                return statement.key
            before = statement
        return _table_of(before)

    def _is_comment_until(self, line: int, statement: int) -> bool:
        between = self._lines[line - 1 : statement - 1]
        return all(each.lstrip().startswith("#") for each in between)


def _last_line(text: str, statement: Statement) -> int:
    return statement.line + text.count("\n", statement.start, statement.end - 1)


def _names(text: str) -> Iterator[str]:
    """Yield the names of a list with commas; what follows it is a reason in any form."""
    for part in text.split(","):
        words = part.replace(":", " ").split()
        yield from words[:1]
        if len(words) > 1 or ":" in part:
            return


def _table_of(statement: Statement | None) -> Key:
    return statement.table if statement else ()


def _elements(found: Sequence[Statement]) -> dict[Key, int]:
    """Return the lines of the headers of arrays of tables, by key and index."""
    lines: dict[Key, int] = {}
    counts: dict[Key, int] = {}
    for statement in found:
        if statement.value is None and statement.in_array:
            index = counts.get(statement.key, 0)
            counts[statement.key] = index + 1
            lines[*statement.key, str(index)] = statement.line
    return lines
