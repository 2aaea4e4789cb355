"""Field types that several settings models share, and the checks behind them."""

import re
from datetime import date
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, GetPydanticSchema, SecretStr, StringConstraints
from pydantic_core.core_schema import date_schema

HTTP_URL = r"^https?://[^\s/?#@]+(/[^\s?#]*)?$"
"""Pattern of an HTTP address without credentials and without a query."""


def check_port(url: str) -> None:
    """Check the port of `url`; an address without one passes.

    Raises:
        ValueError: the port is out of range.
    """
    try:
        # Reading the port is what checks it.
        _ = urlsplit(url).port
    except ValueError:
        raise ValueError("a URL with a port between 0 and 65535") from None


def check_header_token(value: str) -> None:
    """Check that `value` can be sent as one word of an HTTP header; an empty one passes.

    Raises:
        ValueError: it cannot.
    """
    if not re.fullmatch(r"[!-~]*", value):
        raise ValueError("printable ASCII without spaces")


def _header_token(secret: SecretStr) -> SecretStr:
    check_header_token(secret.get_secret_value())
    return secret


def _header_value(secret: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[ -~]*", secret.get_secret_value()):
        raise ValueError("printable ASCII on one line")
    return secret


def _secret_url(secret: SecretStr) -> SecretStr:
    if not re.fullmatch(r"(https?://[^\s/?#]+([/?][!-~]*)?)?", secret.get_secret_value()):
        raise ValueError("a URL with https:// or http://, printable ASCII without spaces")
    check_port(secret.get_secret_value())
    return secret


Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,50}$")]
HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]+$")]
Key = Annotated[SecretStr, AfterValidator(_header_token)]
HeaderValue = Annotated[SecretStr, AfterValidator(_header_value)]
SecretUrl = Annotated[SecretStr, AfterValidator(_secret_url)]
# Its schema is named, since pydantic knows no `date` that freezegun has replaced.
Day = Annotated[date, GetPydanticSchema(lambda _source, _handler: date_schema())]
