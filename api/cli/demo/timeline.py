"""Show what a demo observed, in order."""

from datetime import UTC, datetime

from rich.table import Table

from breakerd.api.cli.demo.observer import Observer
from breakerd.api.cli.output import plain


def timeline(observer: Observer) -> Table:
    """Return a table of all that was observed, with times and sources."""
    table = Table(title="What happened", title_justify="left")
    for name in ("time", "after", "what", "read from"):
        table.add_column(name, justify="right" if name == "after" else "left", overflow="fold")
    rows = sorted(observer.rows, key=lambda row: row.at)
    for row in rows:
        at = datetime.fromtimestamp(row.at, UTC).astimezone().strftime("%H:%M:%S")
        table.add_row(at, f"{row.at - rows[0].at:.1f} s", plain(row.what), plain(row.source))
    return table
