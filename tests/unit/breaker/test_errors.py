from __future__ import annotations

import pickle

from celery import Celery

from breakerd import BreakerOpenError

ERROR = BreakerOpenError("payments", reason="latency", retry_after=2.5)


class OwnError(BreakerOpenError):
    pass


def told(error: BaseException) -> tuple[object, ...]:
    assert isinstance(error, BreakerOpenError)
    return type(error), error.breaker, error.reason, error.retry_after, str(error)


def test_a_rejection_survives_another_process() -> None:
    for error in (ERROR, OwnError("payments", "memory", 0)):
        assert told(pickle.loads(pickle.dumps(error))) == told(error)


def test_a_rejection_survives_the_result_backend_of_celery() -> None:
    """A task that fails with it fails with it for whoever waits for the result."""
    backend = Celery("tasks", backend="cache+memory://").backend
    stored = backend.encode(backend.prepare_exception(ERROR))
    assert told(backend.exception_to_python(backend.decode(stored))) == told(ERROR)
