"""The settings of the admin plane: the file's `[api]`, and the tokens around it."""

from breakerd.breaker.settings import SettingsModel, setting


class ApiSettings(SettingsModel):
    """What the admin plane listens on and keeps (`[api]`). Tokens never stand in the file."""

    host: str = setting(
        "127.0.0.1",
        "Address to listen on. Any but a loopback address needs a token. Read at start.",
        min_length=1,
    )
    port: int = setting(
        8080, "Port to listen on; 0 takes a free one. Read at start.", ge=0, le=65535
    )
    token_file: str | None = setting(
        None, "File that holds the full token, where BREAKERD_TOKEN is not set."
    )
    read_token_file: str | None = setting(
        None, "File that holds the read-only token, where BREAKERD_READ_TOKEN is not set."
    )
    audit_file: str = setting(
        "var/audit.jsonl",
        "Every change made over HTTP, one JSON object a line. Empty: kept in memory only. "
        "Read at start.",
    )
    audit_max_bytes: int = setting(
        5_000_000,
        "Size at which the audit file is put aside and a new one begun. Read at start.",
        unit="bytes",
        ge=1_000,
    )
    audit_backups: int = setting(
        3, "How many audit files put aside are kept. Read at start.", unit="files", ge=0, le=100
    )
    state_file: str = setting(
        "var/breakers.json",
        "Where the state of the breakers and what they learnt outlives a restart. Empty: nowhere. "
        "Read at start.",
    )
    state_interval: float = setting(
        60.0,
        "How often it is written; besides, at exit. As much is lost at most when the process is "
        "killed. Read at start.",
        unit="s",
        ge=1,
        le=86400,
    )
    event_streams: int = setting(
        50, "How many clients may follow GET /events at once.", unit="clients", ge=0, le=10_000
    )
    event_buffer: int = setting(
        1_000,
        "Events kept for a client that reads slowly; older ones are dropped, and it is told.",
        unit="events",
        ge=1,
        le=100_000,
    )
