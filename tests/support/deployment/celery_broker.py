"""A folder as Celery's broker, which needs no server."""

from __future__ import annotations

from pathlib import Path

from celery import Celery


def connect(folder: Path) -> Celery:
    """Return an application whose messages and results are files in a folder."""
    queue, results = folder / "queue", folder / "results"
    for each in (queue, results):
        each.mkdir(exist_ok=True)
    app = Celery("payments", broker="filesystem://", backend=f"file://{results}")
    app.conf.broker_transport_options = {
        "data_folder_in": queue,
        "data_folder_out": queue,
        "control_folder": folder / "control",
        "polling_interval": 0.05,
    }
    return app
