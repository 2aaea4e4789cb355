"""`breakerd check`: every error of a file, whichever package its section belongs to."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import run, run_process

ROOT = Path(__file__).resolve().parents[2]

WRONG = """\
latency_threshold = "fast"
latency_window_sise = 64

[breakers.payments]
percentile = 2

[opsgenie]
initial_alert_priority = "P9"

[api]
port = 70000
"""


def test_a_good_file(tmp_path: Path) -> None:
    file = tmp_path / "good.toml"
    file.write_text("latency_threshold = 600\n[breakers.payments]\nwait_time = 5\n")
    done = run_process("check", file)
    assert (done.code, done.out, done.err) == (0, f"{file}: no errors\n", "")


def test_the_default_file_is_the_projects() -> None:
    done = run("check", folder=ROOT)
    assert (done.code, done.out) == (0, "config/breakers.toml: no errors\n")


def test_every_error_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text(WRONG)
    done = run("check", file)
    assert (done.code, done.out) == (2, "")
    wanted = {
        1: "latency_threshold",
        2: "latency_window_sise",
        5: "percentile",
        8: "initial_alert_priority",
        11: "port",
    }
    lines = done.err.splitlines()
    assert len(lines) == len(wanted)
    for line, (number, key) in zip(lines, wanted.items(), strict=True):
        assert line.startswith(f"{file}:{number}:")
        assert key in line
    assert "latency_window_size" in lines[1]


@pytest.mark.parametrize("content", ["latency_threshold = \n", b"\xff\xfe", None])
def test_what_is_no_toml_file(tmp_path: Path, content: str | bytes | None) -> None:
    file = tmp_path / "wrong.toml"
    if isinstance(content, str):
        file.write_text(content)
    elif content is not None:
        file.write_bytes(content)
    done = run("check", file)
    assert (done.code, done.out) == (2, "")
    assert str(file) in done.err


UNWISE = "percentile = 0.99\nlatency_threshold = 1  # tolerated\n[recovery]\nramp = []\n"


def test_what_is_unwise_is_a_warning(tmp_path: Path) -> None:
    file = tmp_path / "unwise.toml"
    file.write_text(UNWISE)
    done = run_process("check", file)
    assert (done.code, done.out) == (0, f"{file}: no errors\n")
    found = [line.split(": ")[:3] for line in done.err.splitlines()]
    assert found == [
        ["warning", f"{file}:1", "percentile"],
        ["warning", f"{file}:2", "latency_threshold"],
        ["warning", f"{file}:4", "recovery.ramp"],
    ]
    assert done.err.endswith(" (no-ramp)\n")


def test_strict_is_an_exit_code_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "f.toml"
    for text, code in ((UNWISE, 1), ("wait_time = 0\n", 1), (WRONG, 2), ("", 0)):
        file.write_text(text)
        assert run("check", "--strict", file).code == code
    file.write_text(f"# breakerd: allow window-too-small, no-ramp\n\n{UNWISE}")
    assert run("check", "--strict", file).code == 1
    file.write_text(file.read_text().replace("= 1  # tolerated", "= 100"))
    assert run("check", "--strict", file).code == 0


def test_json_for_programs(tmp_path: Path) -> None:
    file = tmp_path / "f.toml"
    file.write_text(UNWISE)
    done = run("check", "--json", file)
    found = json.loads(done.out)
    assert (done.code, done.err, found["file"], found["errors"]) == (0, "", str(file), [])
    assert [(each["line"], each["key"], each["rule"]) for each in found["warnings"]] == [
        (1, "percentile", "window-too-small"),
        (2, "latency_threshold", None),
        (4, "recovery.ramp", "no-ramp"),
    ]
    file.write_text(WRONG)
    done = run("check", "--json", file)
    found = json.loads(done.out)
    assert (done.code, done.err, found["warnings"]) == (2, "", [])
    assert [each["line"] for each in found["errors"]] == [1, 2, 5, 8, 11]


def test_the_rules_are_listed() -> None:
    lines = run("check", "--rules").out.splitlines()
    rules = json.loads(run("check", "--rules", "--json").out)["rules"]
    assert [line.split()[0] for line in lines] == [rule["name"] for rule in rules]
    assert all(rule["meaning"] in line for rule, line in zip(rules, lines, strict=True))


def test_the_schema_is_printed_or_written(tmp_path: Path) -> None:
    printed = run("schema")
    assert printed.code == 0
    assert json.loads(printed.out)["properties"]["wait_time"]["minimum"] == 1
    file = tmp_path / "breakerd.schema.json"
    done = run("schema", "-o", file)
    assert (done.code, done.out) == (0, "")
    assert file.read_text() == printed.out
    done = run("schema", "-o", tmp_path)
    assert (done.code, done.err) == (1, f"breakerd: {tmp_path} cannot be written: Is a directory\n")


def test_serve_refuses_what_check_refuses(tmp_path: Path) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text(WRONG)
    done = run_process("serve", "--config", file, "--port", "0")
    assert (done.code, done.out) == (2, "")
    assert done.err == run("check", file).err


def test_check_needs_no_web_framework(tmp_path: Path) -> None:
    file = tmp_path / "good.toml"
    file.touch()
    program = (
        "import sys\n"
        "from breakerd.cli import app\n"
        f"app(['check', {str(file)!r}], standalone_mode=False)\n"
        "assert not {'fastapi', 'uvicorn', 'starlette'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)
