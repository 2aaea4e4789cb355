"""A process that writes into the record."""

import os
import secrets
import socket
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Member:
    """One process that writes.

    Attributes:
        key: its id, of no other process at any time.
        host: name of its host.
        name: HOST:PID.
    """

    key: str
    host: str
    name: str


def new_member() -> Member:
    """Return this process, under a new id."""
    host = socket.gethostname()
    return Member(secrets.token_hex(8), host, f"{host}:{os.getpid()}")
