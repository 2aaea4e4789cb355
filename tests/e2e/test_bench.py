"""The benchmark runs, and writes a readable report; speed is not tested."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).parents[2]
TINY = ["--quick", "--rounds", "2", "--calls", "200", "--seconds", "0.05"]


def bench(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "benchmarks.bench", *map(str, arguments)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, str]:
    """The JSON document and the Markdown page of the cost of a call."""
    folder = tmp_path_factory.mktemp("bench")
    done = bench(*TINY, "--parts", "calls", "--out", folder)
    assert done.returncode == 0, done.stderr
    page = (folder / "bench.md").read_text()
    assert done.stdout.strip() == page.strip()
    return json.loads((folder / "bench.json").read_text()), page


def test_the_json_names_the_machine_and_every_figure(results: tuple[Any, str]) -> None:
    document, _ = results
    assert {"python", "GIL", "CPU", "cores", "commit"} <= document["build"].keys()
    assert document["effort"] == {"rounds": 2, "calls": 200, "seconds": 0.05}
    names = [figure["name"] for figure in document["figures"]]
    assert len(names) == len(set(names)) > 50
    for figure in document["figures"]:
        assert figure["value"] > 0, figure
        assert figure["details"]["minimum"] > 0, figure
        assert figure["ratio"] is None or figure["ratio"] > 0, figure


def test_what_is_to_be_reached_is_judged_and_summed_up(results: tuple[Any, str]) -> None:
    document, _ = results
    judged = {figure["name"]: figure["met"] for figure in document["figures"] if figure["reach"]}
    assert {"allow + done", "with limiter", "allow when open", "with guard()"} <= judged.keys()
    met, missed = document["summary"]["met"], document["summary"]["missed"]
    assert dict.fromkeys(met, True) | dict.fromkeys(missed, False) == judged
    assert document["summary"]["unmeasured"] == []  # all peers are among the tests' own packages


def test_the_page_has_a_row_for_each_figure(results: tuple[Any, str]) -> None:
    document, page = results
    rows = [line for line in page.splitlines() if line.startswith("| calls |")]
    assert len(rows) == len(document["figures"])
    assert {row.count(" | ") for row in rows} == {8}
    for name in document["summary"]["missed"]:
        assert name in page.split("Not met")[1]


def test_an_unknown_part_is_refused(tmp_path: Path) -> None:
    done = bench("--parts", "calls,nonsense", "--out", tmp_path)
    assert done.returncode == 2
    assert "no such part: nonsense" in done.stderr


def test_another_revision_is_compared_beside_the_chosen_parts(tmp_path: Path) -> None:
    done = bench(*TINY, "--parts", "revisions", "--against", PROJECT, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    figures = json.loads((tmp_path / "bench.json").read_text())["figures"]
    assert {figure["part"] for figure in figures} == {"revisions"}
    assert all(figure["value"] > 0 for figure in figures)


def test_a_comparison_with_no_revision_is_not_measured(tmp_path: Path) -> None:
    done = bench(*TINY, "--parts", "revisions", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "not measured: --against names no folder or commit" in done.stdout
