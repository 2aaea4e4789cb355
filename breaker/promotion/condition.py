"""Conditions of a promise, such as `false_rejections < 0.1% and calls >= 1000`. Pure.

condition  = comparison, { ("and" | "or"), comparison } ;      "and" binds closer than "or"
comparison = name, ("<" | "<=" | ">" | ">=" | "==" | "!="), number, [ unit ] ;
"""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NoReturn

from breakerd.breaker.errors import ConfigError, ConfigProblem
from breakerd.breaker.shadow.figures import ShadowFigures

KEY: Final = "condition"
MAX_LENGTH: Final = 200
"""Maximum number of characters of a condition."""

_COMPARE: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
}
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}
_COMPARISON: Final = re.compile(
    r"\s*([A-Za-z_]\w*)\s*(<=|>=|==|!=|<|>)\s*(-?\d+(?:\.\d+)?)\s*(%|(?!(?:and|or)\b)[a-z]+)?\s*"
)
_JOINT: Final = re.compile(r"(and|or)\b")


@dataclass(frozen=True, slots=True)
class _Name:
    """What a name stands for: "share", "count" or "seconds", and how to read it."""

    kind: str
    read: Callable[[ShadowFigures, float], float | None]


def _share(calls: int, figures: ShadowFigures) -> float | None:
    return calls / figures.calls if figures.calls else None


NAMES: Final[Mapping[str, _Name]] = {
    "false_rejections": _Name("share", lambda of, _age: of.false_rejections),
    "rejections": _Name("share", lambda of, _age: _share(of.rejected, of)),
    "calls": _Name("count", lambda of, _age: of.calls),
    "trips": _Name("count", lambda of, _age: of.trips),
    "active_trips": _Name("count", lambda of, _age: of.active_trips),
    "extra_trips": _Name("count", lambda of, _age: of.trips - of.active_trips),
    "earlier_by": _Name("seconds", lambda of, _age: of.earlier_by),
    "detected_after": _Name("seconds", lambda of, _age: of.detected_after("candidate")),
    "age": _Name("seconds", lambda _of, age: age),
}
"""Names that a condition may use. Shares are of all calls compared."""
_UNITS: Final[Mapping[str, Mapping[str, float]]] = {
    "share": {"%": 0.01},
    "count": {},
    "seconds": _SECONDS,
}


@dataclass(frozen=True, slots=True)
class _Comparison:
    name: str
    sign: str
    value: float
    text: str

    def holds(self, figures: ShadowFigures, age: float) -> bool:
        """Return whether it is true; what is unknown is not."""
        found = NAMES[self.name].read(figures, age)
        return found is not None and _COMPARE[self.sign](found, self.value)

    def told(self, figures: ShadowFigures, age: float) -> str:
        return f"{self.name} is {_shown(self.name, NAMES[self.name].read(figures, age))}"


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition; true if all comparisons of one of its `ways` are.

    Attributes:
        text: as it was written; empty for none, which is always true.
        ways: comparisons that are to be true together.
    """

    text: str = ""
    ways: tuple[tuple[_Comparison, ...], ...] = ()

    def holds(self, figures: ShadowFigures, age: float) -> bool:
        """Return whether it is true; `age` is that of the comparison in seconds."""
        if not self.ways:
            return True
        return any(all(each.holds(figures, age) for each in way) for way in self.ways)

    def told(self, figures: ShadowFigures, age: float) -> str:
        """Return the values that it asks for, in words."""
        each = dict.fromkeys(one.told(figures, age) for way in self.ways for one in way)
        return ", ".join(each)


def parse_condition(text: str) -> Condition:
    """Return the condition that a text states; an empty one is always true.

    Raises:
        ConfigError: it is none; names what was found, and what is allowed.
    """
    if len(text) > MAX_LENGTH:
        _fail(f"{len(text)} characters", f"at most {MAX_LENGTH} characters")
    ways: list[list[_Comparison]] = [[]]
    position, stripped = 0, text.strip()
    while stripped:
        match = _COMPARISON.match(stripped, position)
        if match is None:
            _fail(_rest(stripped, position), "NAME < NUMBER, such as false_rejections < 0.1%")
        ways[-1].append(_comparison(match))
        position = match.end()
        if position == len(stripped):
            break
        joint = _JOINT.match(stripped, position)
        if joint is None:
            _fail(_rest(stripped, position), "`and`, `or`, or the end")
        position = joint.end()
        if joint[1] == "or":
            ways.append([])
    return Condition(stripped, tuple(map(tuple, ways)) if stripped else ())


def _comparison(match: re.Match[str]) -> _Comparison:
    name, sign, number, unit = match.groups()
    known = NAMES.get(name)
    if known is None:
        _fail(repr(name), f"one of {', '.join(NAMES)}")
    units = _UNITS[known.kind]
    if unit is not None and unit not in units:
        allowed = f"a number with {' or '.join(units)}" if units else "a plain number"
        _fail(repr(match[0].strip()), f"{allowed} for {name}")
    value = float(number) * units.get(unit or "", 1.0)
    return _Comparison(name, sign, value, match[0].strip())


def _shown(name: str, value: float | None) -> str:
    if value is None:
        return "unknown"
    kind = NAMES[name].kind
    if kind == "share":
        return f"{value * 100:.3g} %"
    return f"{value:,.0f}" if kind == "count" else f"{value:,.3g} s"


def _rest(text: str, position: int) -> str:
    rest = text[position:].strip()
    return repr(rest[:40]) if rest else "nothing"


def _fail(found: str, allowed: str) -> NoReturn:
    raise ConfigError([ConfigProblem("request", 0, KEY, found, allowed)])
