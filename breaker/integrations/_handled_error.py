"""Tell an outer middleware which exception a framework's response stands for.

A framework that answers an exception itself lets no exception out, and an outer middleware would
see a status only, so that the rules of its breaker (`ignore`, `failures`) could not be asked. The
exception therefore goes with the request: in the WSGI environment, or in the ASGI scope.
"""

from collections.abc import Mapping, MutableMapping
from typing import Any, Final

from breakerd.breaker.errors import BreakerError

_KEY: Final = "breakerd.handled_error"


def set_handled_error(request: MutableMapping[str, Any], status: int, error: BreakerError) -> None:
    """Note in an environment or a scope that the response of that status stands for `error`.

    The error loses its traceback: its frames hold the request, and a request that holds them would
    be freed by the garbage collector only.
    """
    error.__traceback__ = None
    request[_KEY] = status, error


def get_handled_error(request: Mapping[str, Any], status: int) -> BreakerError | None:
    """Return the exception that the response of that status stands for; None if there is none."""
    noted: tuple[int, BreakerError] | None = request.get(_KEY)
    # Later code may have answered otherwise, or failed.
    return noted[1] if noted is not None and noted[0] == status else None
