"""Answer a rejected or late call inside a Flask view by 503 or 504."""

from flask import Blueprint, Flask, Response, request

from breakerd.breaker.errors import BreakerOpenError, DeadlineExceeded
from breakerd.breaker.integrations._environ import request_path
from breakerd.breaker.integrations._handled_error import set_handled_error
from breakerd.breaker.integrations.problem import ProblemResponse


def handle_breaker_errors(app: Flask | Blueprint) -> None:
    """Register error handlers for `BreakerOpenError` and `DeadlineExceeded`.

    A view that raises the first is answered by 503 with `Retry-After`, the second by 504, both as
    `application/problem+json` (RFC 9457), in debug mode and under test too. Without handlers Flask
    answers 500 before a middleware around it sees the exception. Functions that are registered by
    `after_request` see these responses as they see any other.

    Flask takes handlers of the view's blueprint before those of the application, and of one place
    the handler of the nearest class. So a blueprint that handles `Exception` itself needs these
    handlers too. Of two handlers for one class, the one registered later replaces the other.

    Not answered: exceptions in `after_request` functions and error handlers, which Flask answers by
    500, and in a stream that has begun, which the server cuts off.

    Args:
        app: the application; or a blueprint, for its views only.

    Raises:
        AssertionError: the application has handled its first request, or the blueprint has been
            registered.

    Example:
        app = Flask(__name__)
        handle_breaker_errors(app)
    """
    app.register_error_handler(BreakerOpenError, _answer)
    app.register_error_handler(DeadlineExceeded, _answer)


def _answer(error: BreakerOpenError | DeadlineExceeded) -> Response:
    problem = ProblemResponse.of(error, request_path(request.environ))
    set_handled_error(request.environ, problem.status, error)
    return Response(
        problem.body, problem.status, problem.headers
    )  # Flask drops the body for a HEAD
