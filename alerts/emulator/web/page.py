"""Page of the emulator for people: all alerts, newest first."""

from collections.abc import Iterable
from html import escape
from typing import Final

from breakerd.alerts.emulator.state.alert import EmulatedAlert, HistoryEntry, rfc3339

_MAX_SHOWN: Final = 200


NAMES: Final = {"opsgenie": "OpsGenie", "jsm": "Jira Service Management"}
"""Names of the products, by mode."""


def page(alerts: list[EmulatedAlert], mode: str = "opsgenie") -> str:
    """Return the page as HTML; everything that clients sent is escaped."""
    opened = sum(alert.status == "open" for alert in alerts)
    rows = "".join(map(_row, reversed(alerts[-_MAX_SHOWN:])))
    if not rows:
        rows = '<tr><td colspan="7">Nobody has been paged yet.</td></tr>'
    return _PAGE.format(
        name=NAMES[mode], opened=opened, total=len(alerts), shown=_MAX_SHOWN, rows=rows
    )


def _row(alert: EmulatedAlert) -> str:
    state = "acknowledged" if alert.acknowledged and alert.status == "open" else alert.status
    cells = (
        f'<b class="{escape(alert.priority)}">{escape(alert.priority)}</b>',
        escape(state),
        f"<b>{escape(alert.message)}</b>{_more(alert)}",
        str(alert.count),
        _clock(alert.created_at),
        _lines(alert.history),
        _lines(alert.notes),
    )
    return f'<tr class="{escape(alert.status)}"><td>' + "</td><td>".join(cells) + "</td></tr>\n"


def _more(alert: EmulatedAlert) -> str:
    tags = " ".join(f"<code>{escape(tag)}</code>" for tag in alert.tags)
    details = "\n".join(f"{name}: {value}" for name, value in alert.details.items())
    return (
        f"<br><small>{escape(alert.alias)} {tags}</small>"
        f"<details><summary>more</summary><pre>{escape(alert.description)}\n\n{escape(details)}"
        "</pre></details>"
    )


def _lines(lines: Iterable[HistoryEntry]) -> str:
    items = (f"<li><time>{_clock(line.at)}</time> {escape(line.what)}" for line in lines)
    return f"<ul>{''.join(items)}</ul>"


def _clock(at: float) -> str:
    return rfc3339(at)[11:19]


_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="2">
<meta name="viewport" content="width=device-width"><title>{opened} open, {name} emulator</title>
<style>
:root{{color-scheme:light dark;font:15px/1.45 system-ui,sans-serif}}
body{{margin:2rem}} h1{{font-size:1.3rem;margin:0}}
table{{border-collapse:collapse;width:100%;margin-top:1rem}}
th,td{{text-align:left;vertical-align:top;padding:.45rem .6rem;border-bottom:1px solid #8885}}
tr.closed{{opacity:.55}} ul{{margin:0;padding:0;list-style:none}} pre{{white-space:pre-wrap}}
time,small,code{{font-size:.85em;opacity:.8}}
.P1,.P2{{color:#d6263a}} .P3{{color:#c77700}}
</style></head><body>
<h1>{name} emulator</h1>
<p>{opened} open of {total}, newest first, times in UTC. The newest {shown} are shown; this page
renews itself every 2 s.</p>
<table><thead><tr><th>Priority</th><th>Status</th><th>Message</th><th>Count</th><th>Created</th>
<th>History</th><th>Notes</th></tr></thead><tbody>
{rows}</tbody></table></body></html>
"""
