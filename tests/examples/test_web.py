from __future__ import annotations

from pathlib import Path

import httpx

from tests.support.example_process import EXAMPLES, Running, running


def test_fastapi(tmp_path: Path) -> None:
    command = ("-m", "uvicorn", "--app-dir", str(EXAMPLES), "--port", "0", "fastapi_app:app")
    with running(*command, folder=tmp_path) as service, client(service) as web:
        assert web.get("/pay").json() == {"result": "paid"}
        fails(web)
        rejected(web.get("/pay"), "payments")
        status = web.get("/ops/breakers/payments/status").json()
        assert status["triggered"]
        assert status["wait_time_seconds"] == 2
        assert not web.get("/ops/breakers/incoming/status").json()["triggered"]
        assert web.get("/ops/dashboard/").status_code == 200


def test_flask(tmp_path: Path) -> None:
    command = ("-m", "flask", "--app", str(EXAMPLES / "flask_app.py"), "run", "--port", "0")
    with running(*command, folder=tmp_path) as service, client(service) as web:
        assert web.get("/pay").json() == {"result": "paid"}
        fails(web)
        rejected(web.get("/pay"), "payments")


def test_django(tmp_path: Path) -> None:
    command = (str(EXAMPLES / "django_app.py"), "runserver", "--noreload", "127.0.0.1:0")
    with running(*command, folder=tmp_path) as service, client(service) as web:
        assert web.get("/pay").json() == {"result": "paid"}
        fails(web)
        rejected(web.get("/pay"), "payments")


def client(service: Running) -> httpx.Client:
    """A client of the address that the server prints."""
    url = service.wait_for(r"(http://127\.0\.0\.1:[1-9]\d*)")
    return httpx.Client(base_url=url, timeout=30)


def fails(web: httpx.Client) -> None:
    """Four more calls, all of which fail, make the five that the breaker wants to see."""
    for _ in range(4):
        answer = web.get("/pay", params={"fail": "true"})
        assert (answer.status_code, answer.json()) == (502, {"error": "the provider is down"})


def rejected(answer: httpx.Response, breaker: str) -> None:
    assert answer.status_code == 503, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["breaker"] == breaker
    assert int(answer.headers["Retry-After"]) >= 1
