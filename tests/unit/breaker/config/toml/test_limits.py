from __future__ import annotations

import pytest

from breakerd.breaker.config.toml.limits import MAX_DEPTH, TomlError, check_values, parse

LARGE = 300_000
DEEP = "tables and lists at most 32 deep"
LONG = "whole numbers of 64 bits"


def test_what_is_within_the_limits_is_parsed() -> None:
    assert parse("a.b = [1, 0x7fffffffffffffff]\n") == {"a": {"b": [1, 2**63 - 1]}}
    parse("x = " + "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1))
    parse(f"{'a.' * (MAX_DEPTH - 1)}a = 1")
    parse(f'x = "{"a." * 1000}"  # {"a." * 1000}')


@pytest.mark.parametrize(
    ("text", "line", "allowed"),
    [
        ("a = 1\nx = " + "[" * 1000 + "]" * 1000, 2, DEEP),
        ("\n\nx = " + "{a = " * 400 + "1" + "}" * 400, 3, DEEP),
        ("x = " + "[" * LARGE, 1, DEEP),
        ("a = 1\n" + "a." * LARGE + "a = 1", 2, DEEP),
        ("[" + "'a'." * LARGE + "a]", 1, DEEP),
        ("x = {" + "a . " * LARGE + "a = 1}", 1, DEEP),
        ('x = """\n\n"""\ny = ' + "9" * 5000, 4, LONG),
        ("a = \n" + '"' * LARGE, 1, "TOML 1.0"),
        ('x = "\n' * 10_000, 1, "TOML 1.0"),
        ("x = [" + "1, \n" * 60_000 + "]", 32_767, "at most 32,768 keys, tables and list items"),
        ("\n" + "x" * 1001 + " = 1", 2, "words without quotes of at most 1000 characters"),
        ("x = 0x" + "f" * 5000, 1, LONG),
        ("x = [" + "[]," * 31 + "[" * 32 + "]" * 33, 1, DEEP),
        ("x = [" + "#\n" * LARGE, LARGE + 1, "TOML 1.0"),
    ],
)
def test_what_would_crash_or_hang_is_refused_with_its_line(
    text: str, line: int, allowed: str
) -> None:
    with pytest.raises(TomlError) as caught:
        parse(text)
    assert (caught.value.line, caught.value.allowed) == (line, allowed)


@pytest.mark.parametrize(
    ("text", "key", "found"),
    [
        ("[a]\nx = " + "[" * 32 + "]" * 32, ("a", "x", *["0"] * 30), "deeper nesting"),
        ("a.b = [1, 9223372036854775808]", ("a", "b", "1"), "a number of too many digits"),
        ("a = 0x" + "f" * 500, ("a",), "a number of too many digits"),
        ('a.b = "x\\u0000y"', ("a", "b"), "a NUL character"),
        ('"x\\u0000y" = 1', ("x\0y",), "a NUL character"),
        ('a = "\ud800"', ("a",), "half a character"),
    ],
)
def test_what_fails_elsewhere_is_refused_with_its_key(
    text: str, key: tuple[str, ...], found: str
) -> None:
    with pytest.raises(TomlError) as caught:
        parse(text)
    assert (caught.value.key, caught.value.found) == (key, found)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('k = "SECRET', "unterminated string"),
        ("k = SECRET", "invalid value at column 5"),
        ("k = 1SECRET", "expected newline or end of document after a statement at column 6"),
        ('"SECRET" = 1\n"SECRET" = 2', "cannot overwrite a value"),
        ("[k.SECRET]\n[k.SECRET]", "cannot declare a table twice at column 10"),
        ("k = { SECRET = 1, SECRET = 2 }", "duplicate inline table key at column 29"),
        ("k.SECRET.x = 1\n[k.SECRET]", "cannot declare a table twice at column 10"),
        ("k = { SECRET = 1 }\nk.SECRET = 2", "cannot mutate immutable namespace"),
        ("SECRET", "expected '=' after a key in a key/value pair"),
    ],
)
def test_a_syntax_error_quotes_nothing_of_the_text(text: str, found: str) -> None:
    with pytest.raises(TomlError) as caught:
        parse(text)
    assert caught.value.found == found
    assert "SECRET" not in str(caught.value)


def test_an_unknown_message_of_the_parser_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    import tomllib

    def fail(_: str) -> None:
        raise tomllib.TOMLDecodeError("Something with SECRET (at line 1, column 2)")

    monkeypatch.setattr(tomllib, "loads", fail)
    with pytest.raises(TomlError, match="found no valid statement at column 2; allowed: TOML 1"):
        parse("")


def test_values_without_a_text_are_checked_too() -> None:
    check_values({"a": {"b": [1, 2.5, "x", None]}})
    with pytest.raises(TomlError):
        check_values({"a": ("\0",)})
