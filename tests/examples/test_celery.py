from __future__ import annotations

import re
from pathlib import Path

from tests.support.example_process import EXAMPLES, run, running


def test_a_rejected_task_is_tried_again(tmp_path: Path) -> None:
    folder = {"CELERY_FOLDER": str(tmp_path)}
    # Tests run as root in a container, which celery warns of.
    as_root = ("-W", "ignore:You're running the worker with superuser privileges")
    worker = (*as_root, "-m", "celery", "--workdir", str(EXAMPLES), "-A", "celery_app", "worker")
    options = ("--concurrency", "1", "--loglevel", "INFO", "--without-mingle", "--without-gossip")
    with running(*worker, *options, folder=tmp_path, **folder) as celery:
        celery.wait_for("ready")
        lines = run(str(EXAMPLES / "celery_app.py"), folder=tmp_path, **folder).splitlines()
    assert lines[:5] == [f"-{n} ConnectionError('the provider is down')" for n in range(1, 6)]
    # A try that comes a moment too early is rejected, and tried again as well.
    assert re.fullmatch(r"6 'paid 6 at try [2-9]'", lines[5])
