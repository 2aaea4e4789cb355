"""A folder as Celery's broker, which needs no server."""

from __future__ import annotations

from pathlib import Path

from celery import Celery


def connect(folder: Path) -> Celery:
    """Return an application whose messages and results are files in a folder; see `deliver`."""
    queue, results, written = folder / "queue", folder / "results", folder / "written"
    for each in (queue, results, written):
        each.mkdir(exist_ok=True)
    app = Celery("payments", broker="filesystem://", backend=f"file://{results}")
    app.conf.broker_transport_options = {
        "data_folder_in": queue,
        "data_folder_out": written,
        "control_folder": folder / "control",
        "polling_interval": 0.05,
    }
    return app


def deliver(folder: Path) -> None:
    """Deliver the messages sent so far: a worker would read a file that is still being written."""
    for message in (folder / "written").iterdir():
        message.rename(folder / "queue" / message.name)
