"""Route for the report of an incident: as JSON, as an HTML page, or as Markdown."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.routing import APIRoute

from breakerd.api.http.admin import AdminDep
from breakerd.api.json_response import JSONResponse
from breakerd.api.problems import UNKNOWN_ALERT, Problem, Responses, openapi_responses
from breakerd.api.security.audit import AuditEntry
from breakerd.breaker.record.event import ACT, RecordEvent

if TYPE_CHECKING:
    from breakerd.alerts.report.report import IncidentReport

_HTML: Final = "text/html"
_MARKDOWN: Final = "text/markdown"
_MAX_ACTS: Final = 1000

_ReportId = Annotated[
    str,
    Path(
        alias="id",
        max_length=600,
        description="From GET /alerts: the id, the beginning of it, or the alias.",
    ),
]
_Format = Annotated[
    Literal["json", "html", "md"] | None,
    Query(alias="format", description="Form of the report. Default: by Accept, else JSON."),
]


def routes(route_class: type[APIRoute]) -> APIRouter:
    """Return the route under `/alerts`."""
    router = APIRouter(route_class=route_class, tags=["alerting"], responses=openapi_responses(404))
    answers: Responses = {
        200: {
            "content": {
                "application/json": {"schema": {"type": "object"}},
                _HTML: {"schema": {"type": "string"}},
                _MARKDOWN: {"schema": {"type": "string"}},
            },
            "description": "The report: an object, a page, or a text.",
        }
    }
    router.get("/alerts/{id}/report", response_class=Response, responses=answers)(get_report)
    return router


def get_report(
    admin: AdminDep, request: Request, wanted: _ReportId, form: _Format = None
) -> Response:
    """Return the report of one incident for the post-mortem: all that is known of it."""
    from breakerd.alerts.report.lookup import UnknownIncidentError

    alerting = admin.require_alerting()
    try:
        report = alerting.incident_report(wanted, acts_of(admin.audit.entries(_MAX_ACTS)))
    except UnknownIncidentError as error:
        raise Problem(404, f"{error}. See GET /alerts.", kind=UNKNOWN_ALERT) from None
    return _rendered(report, form or _accepted(request.headers.get("Accept", "")))


def acts_of(entries: Iterable[AuditEntry]) -> list[RecordEvent]:
    """Return entries of the audit log as events, oldest first."""
    return sorted(_acts(entries), key=lambda each: each.time)


def _acts(entries: Iterable[AuditEntry]) -> Iterator[RecordEvent]:
    for each in entries:
        try:
            at = datetime.fromisoformat(each["at"]).timestamp()
        except ValueError:  # an earlier version, or somebody else, wrote it
            continue
        yield RecordEvent(
            time=at,
            breaker=each["breaker"],
            kind=ACT,
            text=_sentence(each),
            process=each["process"],
        )


def _sentence(entry: AuditEntry) -> str:
    """Return who did what, and what came of it."""
    who = entry["user"] or entry["client"]
    changes = ", ".join(
        f"{name} {old!r} → {entry['after'][name]!r}"
        for name, old in entry["before"].items()
        if name in entry["after"] and entry["after"][name] != old
    )
    outcome = "" if entry["outcome"] == "done" else f" ({entry['outcome']})"
    detail = f": {entry['detail']}" if entry["detail"] else ""
    return f"{entry['action']} by {who}{outcome}{detail}" + (f"; {changes}" if changes else "")


def _accepted(accept: str) -> str:
    """Return the form that a client wants that names none."""
    kinds = [each.partition(";")[0].strip().lower() for each in accept.split(",")]
    forms = {_HTML: "html", _MARKDOWN: "md", "application/json": "json"}
    return next((forms[kind] for kind in kinds if kind in forms), "json")


def _rendered(report: "IncidentReport", form: str) -> Response:
    if form == "html":
        from breakerd.alerts.report.html import POLICY, to_html

        headers = {"Content-Security-Policy": f"{POLICY}; frame-ancestors 'none'"}
        return _text(to_html(report), _HTML, headers | {"Referrer-Policy": "no-referrer"})
    if form == "md":
        from breakerd.alerts.report.markdown import to_markdown

        return _text(to_markdown(report), _MARKDOWN, {})
    return JSONResponse(report.as_dict(), headers={"Vary": "Accept"})


def _text(content: str, media_type: str, headers: dict[str, Any]) -> Response:
    return Response(content, media_type=media_type, headers=headers | {"Vary": "Accept"})
