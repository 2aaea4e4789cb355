from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

from breakerd import Settings
from breakerd.alerts.settings.alerting import AlertsSettings
from breakerd.alerts.settings.opsgenie import OpsGenieSettings
from breakerd.api.settings import ApiSettings
from breakerd.breaker.config import read_document, read_sections, validate
from breakerd.breaker.config.reference import as_table, as_toml, entries
from breakerd.breaker.settings import SettingsModel, setting

PROJECT = Path(__file__).resolve().parents[4]


class Part(SettingsModel):
    size: int | None = setting(None, "Size.", unit="m")


class Whole(SettingsModel):
    share: float = setting(1.0, "Share.", ge=0.5)
    part: Part = Part()
    parts: dict[str, Part] = setting({}, "Parts.")
    word: str = setting("a", "Word.", pattern="a|b")


def test_the_default_file_says_what_the_code_says() -> None:
    document = read_document(PROJECT / "config" / "breakers.toml")
    sections = read_sections(document)
    assert sections.root == Settings()
    assert sections.named == {}
    for name, model in (
        ("opsgenie", OpsGenieSettings),
        ("alerts", AlertsSettings),
        ("api", ApiSettings),
    ):
        data = document.data[name]
        assert isinstance(data, dict)
        assert validate(model, data, document=document, prefix=(name,)) == model()


def test_the_default_file_and_the_page_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/generate-reference", "--check"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_default_file_has_every_key() -> None:
    text = (PROJECT / "config" / "breakers.toml").read_text()
    keys = {line.removeprefix("# ").split(" =")[0] for line in text.splitlines() if " =" in line}
    for model in (Settings, OpsGenieSettings, AlertsSettings, ApiSettings):
        assert {entry.name for entry in entries(model)} <= keys


def test_entries_come_table_by_table() -> None:
    assert [(".".join(e.table), e.name, e.default) for e in entries(Whole, ("w",))] == [
        ("w", "share", "1"),
        ("w", "word", '"a"'),
        ("w.part", "size", ""),
        ("w.parts.NAME", "size", ""),
    ]


def test_a_table_in_markdown_keeps_its_columns() -> None:
    rows = as_table(list(entries(Whole))).splitlines()
    assert rows[2] == "| `share` | Share. | a number ≥ 0.5 | `1` |"
    assert rows[3] == r'| `word` | Word. | text matching a\|b | `"a"` |'
    assert rows[4] == "| `size` | Size. | a whole number (m) | not set |"


def test_a_file_leaves_out_what_has_no_default_or_no_name() -> None:
    text = as_toml(list(entries(Whole)))
    assert tomllib.loads(text) == {"share": 1, "word": "a", "part": {}}
    assert "# [parts.NAME]" in text
    assert "# Size.\n# Allowed: a whole number (m).\n# size =" in text
