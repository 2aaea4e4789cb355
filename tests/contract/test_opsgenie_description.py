"""The validator has teeth: what the API does not describe is found."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.opsgenie_description import (
    assert_answer_conforms,
    assert_request_conforms,
    find_operation,
)

HEADERS = {"Authorization": "GenieKey ***", "Content-Type": "application/json; charset=utf-8"}
BY_ALIAS = {"identifierType": "alias"}


def check_creation(body: object) -> None:
    assert_request_conforms("POST", "/v2/alerts", {}, HEADERS, body)


@pytest.mark.parametrize(
    "body",
    [
        {"message": "m"},
        {"message": "m", "priority": "P1", "tags": ["a:b"], "details": {"k": "v"}, "note": "n"},
        {"message": "m", "responders": [{"type": "team", "name": "ops"}]},
        {"message": "m", "responders": [{"type": "user", "username": "a@b.example"}]},
        {"message": "m", "visibleTo": [{"type": "escalation", "id": "7"}]},
    ],
)
def test_a_described_creation_conforms(body: dict[str, Any]) -> None:
    check_creation(body)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "'message' is a required property"),
        ({"message": 7}, "body.message: 7 is not of type 'string'"),
        ({"message": "m", "priority": "P0"}, "body.priority"),
        ({"message": "m", "colour": "red"}, "'colour' was unexpected"),
        ({"message": "m", "tags": "a:b"}, "body.tags"),
        ({"message": "m", "details": {"n": 1}}, "body.details.n"),
        ({"message": "m", "responders": [{"name": "ops"}]}, "'type' is a required property"),
        ({"message": "m", "responders": [{"type": "squad"}]}, "'squad' is not one of"),
        (
            {"message": "m", "responders": [{"type": "user", "name": "a"}]},
            "'name' was unexpected",
        ),
        ([], "is not of type 'object'"),
        (None, "body: missing"),
    ],
)
def test_an_undescribed_creation_is_found(body: object, reason: str) -> None:
    with pytest.raises(AssertionError, match=reason):
        check_creation(body)


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(AssertionError) as caught:
        assert_request_conforms("PUT", "/v2/alerts/a/priority", {"by": "alias"}, {}, {"p": "P1"})
    told = str(caught.value)
    assert "Authorization" in told
    assert "query.by: unknown" in told
    assert "Content-Type" in told
    assert "'priority' is a required property" in told


@pytest.mark.parametrize(
    ("method", "path", "query", "body", "reason"),
    [
        ("GET", "/v2/alerts/a", {"identifierType": "name"}, None, "query.identifierType"),
        ("GET", "/v2/alerts", {"limit": "101"}, None, "query.limit"),
        ("GET", "/v2/alerts", {"limit": "many"}, None, "query.limit"),
        ("GET", "/v2/alerts/a", {}, {"x": 1}, "the operation takes none"),
        ("DELETE", "/v2/alerts/a/tags", {}, None, "query.tags: missing"),
        ("POST", "/v2/alerts/a/notes", BY_ALIAS, {"user": "u"}, "'note' is a required property"),
        ("POST", "/v2/alerts/a/b/c", {}, None, "has no POST"),
        ("PUT", "/v2/alerts", {}, {"message": "m"}, "has no PUT"),
    ],
)
def test_an_undescribed_request_is_found(
    method: str, path: str, query: dict[str, str], body: object, reason: str
) -> None:
    with pytest.raises(AssertionError, match=reason):
        assert_request_conforms(method, path, query, HEADERS, body)


def test_a_body_may_be_left_out_where_it_is_not_required() -> None:
    assert_request_conforms("POST", "/v2/alerts/a/close", BY_ALIAS, HEADERS, None)


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/v2/alerts/count", "/v2/alerts/count"),
        ("/v2/alerts/counts", "/v2/alerts/{identifier}"),
        ("/v2/alerts/requests/7", "/v2/alerts/requests/{requestId}"),
        ("/v2/alerts/a%2Fb/notes", "/v2/alerts/{identifier}/notes"),
    ],
)
def test_the_plainer_path_wins(path: str, template: str) -> None:
    assert find_operation("GET", path).path == template


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (202, {"result": "r", "took": 0.1}, "'requestId' is a required property"),
        (202, {"result": "r", "took": 0.1, "requestId": "i", "more": 1}, "'more' was unexpected"),
        (202, {"result": 1, "took": 0.1, "requestId": "i"}, "answer.result"),
        (422, {"errors": {}, "took": 0.1, "requestId": "i"}, "'errors' was unexpected"),
        (418, {"took": 0.1, "requestId": "i"}, "status 418: described are 202"),
        (503, "<html>", "is not of type 'object'"),
    ],
)
def test_an_undescribed_answer_is_found(status: int, body: object, reason: str) -> None:
    with pytest.raises(AssertionError, match=reason):
        assert_answer_conforms("POST", "/v2/alerts", status, body)


@pytest.mark.parametrize("time", ["yesterday", "2026-11-23T14:00:00"])
def test_a_time_without_its_zone_is_found(time: str) -> None:
    body = {"data": {"processedAt": time}, "took": 0.1, "requestId": "i"}
    with pytest.raises(AssertionError, match="processedAt"):
        assert_answer_conforms("GET", "/v2/alerts/requests/i", 200, body)


FORM = {"Content-Type": "multipart/form-data; boundary=b", "Authorization": "GenieKey ***"}
ATTACH = ("POST", "/v2/alerts/a/attachments", {"alertIdentifierType": "alias"})


def test_a_described_form_conforms() -> None:
    assert_request_conforms(*ATTACH, FORM, {"file": {"name": "chart.png"}, "user": "u"})


@pytest.mark.parametrize(
    ("headers", "body", "reason"),
    [
        (FORM, {"user": "u"}, "form.file: missing"),
        (FORM, None, "form.file: missing"),
        (FORM, {"file": {}, "colour": "red"}, "form.colour: unknown"),
        (HEADERS, {"file": {}}, "must be multipart/form-data"),
    ],
)
def test_an_undescribed_form_is_found(headers: dict[str, str], body: object, reason: str) -> None:
    with pytest.raises(AssertionError, match=reason):
        assert_request_conforms(*ATTACH, headers, body)
