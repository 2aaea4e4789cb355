"""Rights that a fleet needs of its server's user: try each, and name those that are missing."""

import re
from typing import Final

from redis.exceptions import NoScriptError

from breakerd.breaker.fleet.hub.redis.facts import execute_at, if_permitted, is_refusal
from breakerd.breaker.fleet.hub.redis.script import Client, script_text

_KEY: Final = "KEY"
_HARMLESS: Final[dict[str, tuple[str, ...]]] = {
    "DEL": (_KEY,),
    "HDEL": (_KEY, "x"),
    "HGETALL": (_KEY,),
    "HKEYS": (_KEY,),
    "HMGET": (_KEY, "x"),
    "HSET": (_KEY, "x", "1"),
    "HSETNX": (_KEY, "x", "1"),
    "TIME": (),
    "ZADD": (_KEY, "no number", "x"),
    "ZCARD": (_KEY,),
    "ZRANGE": (_KEY, "0", "0"),
    "ZRANGEBYSCORE": (_KEY, "0", "0"),
    "ZREM": (_KEY, "x"),
    "ZREVRANGE": (_KEY, "0", "0"),
}
"""Arguments with which each command of the script can be tried: `DEL` comes first and last."""
_TRY: Final = """
local found, removable = {}, true
for _, each in ipairs(cjson.decode(ARGV[1])) do
  for i, word in ipairs(each) do if word == 'KEY' then each[i] = KEYS[1] end end
  if removable or each[1]:sub(1, 4) ~= 'HSET' then
    local answer = redis.pcall(unpack(each))
    local problem = type(answer) == 'table' and answer.err
    if problem then found[#found + 1] = each[1] .. ' ' .. problem end
    if problem and each[1] == 'DEL' then removable = false end
  end
end
return found
"""
"""Tries all but what would stay, where the user may not delete."""
_WITHOUT_KEY: Final = (("INFO",), ("PING",), ("EVAL", "return 1", 0), ("EVALSHA", "0" * 40, 0))
"""Commands that are tried by themselves; no script has that digest."""


def missing_rights(client: Client, name: str) -> tuple[str, ...]:
    """Return the rules that the user lacks, as `ACL SETUSER` takes them; empty: it has all.

    Everything is tried within one script, on a key of the fleet that no member uses and that is
    gone again before anybody could see it.

    Args:
        client: client of the server, or of a cluster.
        name: name of the fleet.

    Raises:
        redis.exceptions.RedisError: the server cannot be reached.
    """
    key = f"breakerd:{{{name}}}:doctor"
    missing = [each[0] for each in _WITHOUT_KEY if not _permits(client, key, *each)]
    if "EVAL" in missing:
        return _rules(missing)  # nothing else can be tried
    answers = if_permitted(lambda: client.execute_command("EVAL", _TRY, 1, key, _plan()))
    if answers is None:
        return (*_rules(missing), f"~breakerd:{{{name}}}:*")
    refused = [text.split(" ", 1) for text in map(_decoded, answers)]
    missing += dict.fromkeys(word for word, error in refused if is_refusal(error))
    return _rules(missing)


def commands_of_script() -> frozenset[str]:
    """Return the commands that the script of a fleet runs."""
    return frozenset(re.findall(r"(?:redis\.call|read|later)\('([A-Z]+)'", script_text()))


def _plan() -> str:
    words = [*sorted(commands_of_script()), "DEL"]  # DEL is the first of the alphabet as well
    parts = [[word, *_HARMLESS[word]] for word in words]
    return "[" + ",".join("[" + ",".join(f'"{w}"' for w in each) + "]" for each in parts) + "]"


def _permits(client: Client, key: str, *command: object) -> bool:
    try:
        return if_permitted(lambda: execute_at(client, key, *command)) is not None
    except NoScriptError:
        return True


def _rules(commands: list[str]) -> tuple[str, ...]:
    return tuple(f"+{each.lower()}" for each in commands)


def _decoded(text: bytes | str) -> str:
    return text.decode(errors="replace") if isinstance(text, bytes) else text
