"""Files that are small to write and might be long to read, or need much memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from breakerd.breaker.config.toml.limits import MAX_BYTES, MAX_PARTS

_MOST: Final = MAX_PARTS - 10


def _full(unit: str, head: str = "", tail: str = "") -> str:
    """Fill a file of the maximum size with repetitions of `unit`."""
    return head + unit * ((MAX_BYTES - len(head) - len(tail)) // len(unit)) + tail


def _each(line: Callable[[int], str], count: int = _MOST) -> str:
    return "".join(map(line, range(count)))[:MAX_BYTES]


def bombs() -> dict[str, str]:
    """Return the text of each by its name."""
    return _of_syntax() | _of_values() | _of_sections()


def _of_syntax() -> dict[str, str]:
    return {
        "strings that are never closed": _full('\\"""\n'),
        "literals that are never closed": _full("'''\n", tail="x"),
        "escaped quotes": _full('"\\'),
        "lists in lists": _full("[", "a = "),
        "tables in tables": _full("{a=", "a = "),
        "closed lists": _full("[],", "a = [", "]\n"),
        "a key of many parts": _full(".a", "a", "=1"),
        "a key of many quoted parts": _full('."a"', '"a"', "=1"),
        "a key of parts with spaces": _full(" . a", "a", "=1"),
        "tables of 30 parts": _each(lambda n: f"[{'a.' * 30}b{n}]\n", _MOST // 31),
        "keys of 30 parts": _each(lambda n: f"k{n}.{'a.' * 29}a = 1\n", _MOST // 31),
        "a long key": _full("a", tail="=1"),
        "a long quoted key": _full("a", '"', '"=1'),
        "a long number": _full("1", "wait_time = "),
        "numbers that are nearly too long": _full("1" * 999 + ",", "a = ["),
        "a long fraction": _full("1", "wait_time = 0."),
        "a long exponent": _full("1", "wait_time = 1e"),
        "a long hexadecimal number": _full("f", "wait_time = 0x"),
        "digits and underscores": _full("1_", "wait_time = "),
        "equal signs": _full("="),
        "quotes": _full('"'),
        "apostrophes": _full("'"),
        "backslashes": _full("\\", 'a = "'),
        "empty lines": _full("\n"),
        "empty lines of Windows": _full("\r\n"),
        "empty lines of old Macs": _full("\r"),
        "comments": _full("# a\n"),
        "a comment": _full("a", "# "),
        "spaces": _full(" "),
        "NUL": _full("\0"),
        "the same key": _full("a=1\n"),
        "more than the maximum": "#" * (10 * MAX_BYTES),
    }


def _of_values() -> dict[str, str]:
    return {
        "a long text": _full("a", 'wait_time = "', '"\n'),
        "a long text of escapes": _full("\\n", 'wait_time = "', '"\n'),
        "a long text of code points": _full("\\u00e9", 'wait_time = "', '"\n'),
        "a long text of lines": _full("a\n", 'wait_time = """', '"""\n'),
        "numbers": f"wait_time = [{'1, ' * _MOST}]\n",
        "texts": "wait_time = [" + '"a",' * (_MOST - 5) + "]\n",
        "texts of lines": "a = [" + '"""\n""",' * (_MOST - 5) + "]\n",
        "dates": "a = [" + "1979-05-27T07:32:00Z," * (_MOST - 5) + "]\n",
        "empty tables": "a = [" + "{}," * (_MOST - 5) + "]\n",
        "unknown keys": _each(lambda n: f"a{n}=1\n"),
        "unknown keys with escapes": _each(lambda n: f'"k\\u0061{n}"=1\n'),
        "unknown lists of tables": "[[a]]\n" * (_MOST // 2),
        "halves of characters": "a = [" + '"\\ud800",' * 1000 + "]\n",
    }


def _of_sections() -> dict[str, str]:
    third = _MOST // 3
    window = 'matchers = ["breaker=paymnts*"]\nbegins = "01:00"\nends = "02:00"\n'
    return {
        "breakers": _each(lambda n: f"[breakers.a{n}]\nwait_time=1\n", third),
        "breakers with a wrong value": _each(lambda n: f"[breakers.a{n}]\nwait_time=-1\n", third),
        "breakers with a wrong key": _each(lambda n: f"[breakers.a{n}]\nwait_tme=1\n", third),
        "breakers with a wrong name": _each(lambda n: f"[breakers.'a{n}/']\n", third),
        "breakers that are no tables": _each(lambda n: f"breakers.a{n} = 1\n", third),
        "receivers": _each(
            lambda n: f"[alerts.receivers.webhook.w{n}]\nurl='http://a.b'\n", _MOST // 6
        ),
        "receivers that are no tables": _each(
            lambda n: f"alerts.receivers.webhook.w{n}=1\n", _MOST // 4
        ),
        "receivers of unknown types": _each(lambda n: f"[alerts.receivers.k{n}]\n", third),
        "windows": _each(lambda n: f"[alerts.maintenance.w{n}]\n{window}", _MOST // 8),
        "windows and breakers": _each(lambda n: f"[alerts.maintenance.w{n}]\n{window}", 1500)
        + _each(lambda n: f"[breakers.payments{n}]\n", 6000),
        "windows without times": _each(lambda n: f"[alerts.maintenance.w{n}]\n", third),
        "inhibition and breakers": _each(
            lambda n: (
                f'[alerts.inhibition.w{n}]\nsource=["breaker=pament{n}"]\n'
                f'target=["breaker=pament{n}"]\n'
            ),
            1500,
        )
        + _each(lambda n: f"[breakers.payments{n}]\n", 6000),
        "stages": "[[alerts.stages]]\nafter=0\npriority='P1'\n" * (_MOST // 6),
        "tags": "[opsgenie]\ntags = [" + '"a:b",' * (_MOST - 9) + "]\n",
        "tags that differ": "[opsgenie]\ntags = ["
        + _each(lambda n: f'"a{n}:b",', _MOST - 9)
        + "]\n",
        "responders": "[opsgenie]\nresponders = [" + '"team:a",' * (_MOST - 9) + "]\n",
        "a template of fields": _full("$breaker", "[alerts.templates.open]\nmessage='", "'\n"),
        "a template of unknown fields": _full("${a", "[alerts.templates.open]\nmessage='", "'\n"),
        "a template of dollar signs": _full("$", "[alerts.templates.open]\nmessage='", "'\n"),
        "a matcher of stars": _full("*a", "[alerts.maintenance.w]\nmatchers=['breaker=", "']\n"),
        "a matcher of spaces": _full(" ", "[alerts.maintenance.w]\nmatchers=['", "a']\n"),
        "a matcher of letters": _full("a", "[alerts.maintenance.w]\nmatchers=['", "']\n"),
        "a matcher of spaces within": _full(" ", "[alerts.maintenance.w]\nmatchers=['a", "=b']\n"),
        "an address": _full("a", "[opsgenie]\napi_url='http://", "'\n"),
        "a responder": _full(" ", "[opsgenie]\nresponders=['team:", "']\n"),
        "a path": _full("a/", "[alerts]\ndatabase='", "'\n"),
    }
