"""The commands of `breakerd`. What only some of them need is imported when they run."""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from breaker import ConfigError, __version__

if TYPE_CHECKING:
    from api.cli.client import Client

app = typer.Typer(
    name="breakerd",
    help="Circuit breakers for Python services, with the alerting that goes with them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

FAILED, WRONG = 1, 2

_out = Console(highlight=False, soft_wrap=True)
_err = Console(stderr=True, highlight=False, soft_wrap=True)

Url = Annotated[str, typer.Option(envvar="BREAKERD_URL", help="Where the service listens.")]
Token = Annotated[
    str | None,
    typer.Option(envvar="BREAKERD_TOKEN", help="Token of the admin plane.", show_envvar=True),
]
Config = Annotated[Path | None, typer.Option(help="TOML file; embedded defaults without it.")]
Host = Annotated[str | None, typer.Option(help="Address; else the file's, else 127.0.0.1.")]
Port = Annotated[int | None, typer.Option(help="Port, 0 for any free one; else the file's.")]
OnlyKey = Annotated[str | None, typer.Option(help="The only key let in; any if not given.")]
DemoEndpoints = Annotated[
    bool, typer.Option("--demo-endpoints", help="Adds GET /test, and POST to make it slow or fail.")
]
Key = Annotated[str, typer.Argument(help="As in the file: latency_threshold, recovery.probes.")]
Name = Annotated[str, typer.Option("--breaker", "-b", help="Which breaker.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
DEFAULT_URL = "http://127.0.0.1:8080"


def main() -> NoReturn:
    """The entry point of the command."""
    app(prog_name="breakerd")
    sys.exit(0)  # typer has exited already


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - as typer calls it
    if wanted:
        _out.print(f"breakerd {__version__}")
        raise typer.Exit


@app.callback()
def root(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Circuit breakers for Python services, with the alerting that goes with them."""


# --- running things


@app.command()
def serve(
    config: Config = None,
    host: Host = None,
    port: Port = None,
    *,
    demo_endpoints: DemoEndpoints = False,
) -> None:
    """Runs the service: breakers, alerting, HTTP, dashboard."""
    from api.service import Service  # noqa: PLC0415

    raise typer.Exit(Service(config, host=host, port=port, demo_endpoints=demo_endpoints).run())


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="TOML file.")] = Path("config/breakers.toml"),
) -> None:
    """Checks a configuration file: prints every error with its line."""
    from api.configuration import read_file  # noqa: PLC0415

    try:
        read_file(file)
    except ConfigError as error:
        _complain(error)
    _out.print(f"{escape(str(file))}: no errors")


@app.command()
def emulator(
    port: Annotated[int, typer.Option(help="Port; 0 for any free one.")] = 8081,
    key: Annotated[
        str | None, typer.Option(help="The only key let in; any key if not given.")
    ] = None,
    delay: Annotated[float, typer.Option(help="Seconds until a write is carried out.")] = 0.2,
) -> None:
    """Runs an OpsGenie on loopback: page it instead of people."""
    from api.cli.emulate import run_emulator  # noqa: PLC0415

    raise typer.Exit(run_emulator(port, key, delay))


@app.command()
def demo(
    pace: Annotated[float, typer.Option(help="2 is twice as fast.", min=0.5, max=5)] = 1.0,
) -> None:
    """Shows a whole incident: a service under load gets slow, trips, pages, escalates, recovers."""
    from api.cli.demo import run_demo  # noqa: PLC0415

    raise typer.Exit(run_demo(_out, pace))


# --- talking to a running service


_NAMES = {
    "memory": "memory_threshold",
    "latency": "latency_threshold",
    "size": "latency_window_size",
    "wait": "wait_time",
    "trend": "trend_analysis_enabled",
}
"""Short names for `get` and `set`."""


@app.command()
def status(
    breaker: Name = "default",
    url: Url = DEFAULT_URL,
    token: Token = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Shows a breaker's state, and why it is in it."""
    from api.cli.show import status_table  # noqa: PLC0415

    answer = _client(url, token).get(breaker, "status")
    if as_json:
        _out.print_json(json.dumps(answer))
    else:
        _out.print(status_table(answer))


@app.command("get")
def get_setting(
    key: Key,
    breaker: Name = "default",
    url: Url = DEFAULT_URL,
    token: Token = None,
) -> None:
    """Prints one setting of a running breaker."""
    settings: Any = _client(url, token).get(breaker, "config")
    for part in _NAMES.get(key, key).split("."):
        if not isinstance(settings, dict) or part not in settings:
            _fail(f"there is no setting {key!r}; see `breakerd status --json`", WRONG)
        settings = settings[part]
    print(json.dumps(settings))  # noqa: T201 - not for rich to wrap or colour


@app.command("set")
def set_setting(
    key: Key,
    value: Annotated[str, typer.Argument(help="As in the file: 800, 0.95, true, [0.1, 0.5].")],
    breaker: Name = "default",
    url: Url = DEFAULT_URL,
    token: Token = None,
) -> None:
    """Changes one setting of a running breaker, and of its file."""
    name = _NAMES.get(key, key)
    try:
        wanted = json.loads(value)
    except json.JSONDecodeError:
        wanted = value
    after = _client(url, token).patch(breaker, "config", {name: wanted})
    for part in name.split("."):
        after = after[part]
    print(json.dumps(after))  # noqa: T201


@app.command()
def trip(
    reason: Annotated[str, typer.Option(help="For those who ask later.")] = "",
    breaker: Name = "default",
    url: Url = DEFAULT_URL,
    token: Token = None,
) -> None:
    """Opens a breaker; it recovers its usual way."""
    _act(url, token, breaker, "trip", {"reason": reason})


@app.command()
def reset(breaker: Name = "default", url: Url = DEFAULT_URL, token: Token = None) -> None:
    """Closes a breaker, and makes it forget what it saw."""
    _act(url, token, breaker, "reset", {"confirm": True})


@app.command()
def enable(breaker: Name = "default", url: Url = DEFAULT_URL, token: Token = None) -> None:
    """Ends what an operator put in force, and resets."""
    _act(url, token, breaker, "enabled", None)


@app.command()
def disable(breaker: Name = "default", url: Url = DEFAULT_URL, token: Token = None) -> None:
    """Lets every call pass, until it is enabled."""
    _act(url, token, breaker, "disabled", None)


def _act(url: str, token: str | None, breaker: str, path: str, body: object) -> None:
    answer = _client(url, token).post(breaker, path, body)
    _out.print(escape(f"{answer['message']}: {answer['state']}"))


def _client(url: str, token: str | None) -> "Client":
    from api.cli.client import Client  # noqa: PLC0415

    return Client(url, token or os.environ.get("BREAKERD_READ_TOKEN"), _fail)


def _complain(error: ConfigError) -> NoReturn:
    for problem in error.problems:
        _err.print(escape(str(problem)))
    raise typer.Exit(WRONG)


def _fail(message: str, code: int = FAILED) -> NoReturn:
    _err.print(escape(f"breakerd: {message}"))
    raise typer.Exit(code)


if __name__ == "__main__":
    main()
