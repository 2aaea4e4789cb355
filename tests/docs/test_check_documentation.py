"""`docs/check.md` has the rules of the code, and what it prints is what is printed."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from breakerd.api.advice.advise import advise
from breakerd.api.advice.registry import all_rules
from breakerd.api.advice.rule import Subject
from breakerd.api.file_settings import settings_of
from breakerd.breaker.config import parse_document
from tests.support.command import run
from tests.support.documented import PROJECT, Block, blocks

PAGE = PROJECT / "docs/check.md"
KEYS = {"OPSGENIE_API_KEY": "k", "BREAKERD_JSM_OPS_MAIN_KEY": "k"}
"""What the documented files leave to the environment."""


def test_the_table_has_the_rules_of_the_code() -> None:
    table = PAGE.read_text().partition("<!-- rules -->")[2].partition("<!-- end -->")[0]
    rows = re.findall(r"^\| `([a-z-]+)` \| (.+) \|$", table, re.MULTILINE)
    assert dict(rows) == all_rules()
    assert [name for name, _ in rows] == list(all_rules())


def test_the_warning_is_printed_as_shown(tmp_path: Path) -> None:
    (printed,) = [b.text for b in plain_blocks() if b.head.startswith("warning")]
    (tmp_path / "breakers.toml").write_text("\npercentile = 0.99\n")
    assert run("check", "breakers.toml", folder=tmp_path).err == printed


def test_the_new_file_is_made_as_shown(tmp_path: Path) -> None:
    (printed,) = [b.text for b in plain_blocks() if b.head.startswith("breakerd")]
    done = run(*shlex.split(printed)[1:], folder=tmp_path)
    assert (done.code, done.err) == (0, "")
    assert run("check", "--strict", "breakers.toml", folder=tmp_path).code == 0


def test_the_options_of_init_are_all_described() -> None:
    listed = set(re.findall(r"--[a-z-]+", PAGE.read_text()))
    told = set(re.findall(r"--[a-z-]+", run("init", "--help").out)) - {"--help", "--schema"}
    assert told <= listed


def plain_blocks() -> list[Block]:
    return [block for block in blocks("") if block.page == "docs/check.md"]


@pytest.mark.parametrize("block", blocks("toml"), ids=str)
def test_no_documented_file_is_unwise(
    block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    for key, name in secret_files(tomllib.loads(block.text)):
        file = tmp_path / name.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        if "apprise" in name:
            pytest.importorskip("apprise")
        url = "json://h/" if "apprise" in name else "https://h/"
        file.write_text(url if key == "url_file" else "k" * 16)
    text = re.sub(r'(_file = ")/', r"\1", block.text)
    document = parse_document(tmp_path / "b.toml", text)
    assert advise(Subject(document, settings_of(document))) == []


def secret_files(table: dict[str, object]) -> Iterator[tuple[str, str]]:
    """Yield the files with secrets that a file of settings names, by their keys."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from secret_files(value)
        elif key.endswith("_file") and isinstance(value, str):
            yield key, value
