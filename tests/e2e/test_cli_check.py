"""`breakerd check`: every error of a file, whichever package its section belongs to."""

from __future__ import annotations

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
