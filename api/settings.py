"""Settings of the admin plane: `[api]` in the file."""

from typing import Final, Literal

from breakerd.breaker.settings import SettingsModel, setting

CHANGEABLE: Final = frozenset({"event_streams", "event_buffer"})
"""Settings that may be changed over HTTP: the others decide on access, or are read at start."""

OPEN_LOOPBACK_RISK: Final = (
    "whoever reaches this machine's loopback, through a proxy too, may change everything "
    "without a token"
)
"""Consequence of `loopback = "open"` where no token is set."""

Loopback = Literal["read", "open"]


class ApiSettings(SettingsModel):
    """Settings of the admin plane (`[api]`). Tokens are never in the file."""

    host: str = setting(
        "127.0.0.1",
        "Address to listen on. An address other than loopback requires a token. Read at start.",
        min_length=1,
    )
    port: int = setting(
        8080, "Port to listen on; 0 takes a free one. Read at start.", ge=0, le=65535
    )
    public_url: str = setting(
        "",
        "Address at which people reach these pages, such as `https://ops.example.org/breakers`. "
        "Alerts link to the page of their incident below it. Empty: no such link.",
        pattern=r"^(https?://[^\s/?#@]+(/[^\s?#]*)?)?$",
    )
    token_file: str | None = setting(
        None, "File with the full token; used if BREAKERD_TOKEN is not set."
    )
    read_token_file: str | None = setting(
        None, "File with the read-only token; used if BREAKERD_READ_TOKEN is not set."
    )
    made_token_file: str = setting(
        "var/token",
        "File with the full token that is made where none is set. Empty: none is made, and without "
        "a token that is set, nobody may change anything.",
    )
    loopback: Loopback = setting(
        "read",
        "Rights on this machine without a token, where none is set: 'read' states, health and "
        "metrics, or 'open', as in go-breaker: change everything too. 'open' is a risk: a proxy on "
        "this machine may let anybody in.",
    )
    audit_file: str = setting(
        "var/audit.jsonl",
        "File for changes made over HTTP, one JSON object per line. Empty: memory only. "
        "Read at start.",
    )
    audit_max_bytes: int = setting(
        5_000_000,
        "Size at which the audit file is rotated. Read at start.",
        unit="bytes",
        ge=1_000,
    )
    audit_backups: int = setting(
        3, "Number of rotated audit files to keep. Read at start.", unit="files", ge=0, le=100
    )
    state_file: str = setting(
        "var/breakers.json",
        "File that keeps breaker states and baselines across restarts. Empty: not kept. "
        "Read at start.",
    )
    state_interval: float = setting(
        60.0,
        "Interval between writes of the state file, which is also written at exit; a killed "
        "process loses at most this much. Read at start.",
        unit="s",
        ge=1,
        le=86400,
    )
    event_streams: int = setting(
        50,
        "Maximum number of clients that follow GET /events at once.",
        unit="clients",
        ge=0,
        le=10_000,
    )
    event_buffer: int = setting(
        1_000,
        "Maximum number of events waiting for a slow client; older ones are dropped and counted.",
        unit="events",
        ge=1,
        le=100_000,
    )
