"""Examples of docs/getting-started.md run, in the order of the page."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from breakerd.api.file_settings import read_file

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs/getting-started.md").read_text()


def test_the_steps_run_one_after_the_other(tmp_path: Path) -> None:
    (tmp_path / "breakers.toml").write_text(toml()[0])
    python = "\n".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL))
    check = (
        "\nassert payments.settings.wait_time == 5"
        "\nassert payments.settings.latency_threshold == 800"
        "\npath = app.url_path_for('get_status', name='payments')"
        "\nassert path == '/ops/breakers/payments/status'\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", python + check],
        cwd=tmp_path,
        env={"PYTHONPATH": str(PROJECT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["paid 10", "OBSERVE", "0", "{}"]


def test_the_files_are_valid(tmp_path: Path) -> None:
    for number, text in enumerate(toml()):
        file = tmp_path / f"{number}.toml"
        file.write_text(text)
        read_file(file)


def toml() -> list[str]:
    return re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
