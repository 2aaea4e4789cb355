"""Join all commands of `breakerd`. What only some of them need is imported when they run."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from breakerd.api.cli.commands import breaker
from breakerd.api.cli.commands.alerts import alerts
from breakerd.api.cli.commands.audit import audit_command
from breakerd.api.cli.commands.candidate.promote import promote_command
from breakerd.api.cli.commands.candidate.shadow import shadow_command
from breakerd.api.cli.commands.config.config import config as config_commands
from breakerd.api.cli.commands.doctor import doctor_command
from breakerd.api.cli.commands.drill import drill
from breakerd.api.cli.commands.fleet import fleet
from breakerd.api.cli.commands.replay.replay import replay_command
from breakerd.api.cli.commands.replay.suggest import suggest_command
from breakerd.api.cli.commands.setup.check import check_command
from breakerd.api.cli.commands.setup.init import init_command
from breakerd.api.cli.commands.setup.schema import schema_command
from breakerd.api.cli.commands.silence import silence
from breakerd.api.cli.incident.command import incident_command
from breakerd.api.cli.output import USAGE_ERROR, fail, out
from breakerd.breaker._version import __version__

app = typer.Typer(
    name="breakerd",
    help="Circuit breakers for Python services, with alerting.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class EmulatedApi(StrEnum):
    """An API that the emulator speaks. An enumeration: typer knows Literal only since 0.19."""

    OPSGENIE = "opsgenie"
    JSM = "jsm"


Config = Annotated[Path | None, typer.Option(help="TOML file. Default: built-in settings.")]
Host = Annotated[
    str | None, typer.Option(help="Address to listen on. Default: the file's, else 127.0.0.1.")
]
Port = Annotated[
    int | None,
    typer.Option(
        help="Port; 0 takes a free one. Default: the file's, else 8080.", min=0, max=65535
    ),
]
DemoEndpoints = Annotated[
    bool,
    typer.Option("--demo-endpoints", help="Add GET /test, and routes that make it slow or fail."),
]
EmulatorPort = Annotated[int, typer.Option(help="Port; 0 takes a free one.", min=0, max=65535)]
OnlyKey = Annotated[str | None, typer.Option(help="The only valid key. Default: any key is valid.")]
Delay = Annotated[float, typer.Option(help="Seconds until a write takes effect.", min=0)]
ModeOption = Annotated[
    EmulatedApi, typer.Option(help="API to emulate; jsm is Jira Service Management.")
]
FaultsFile = Annotated[Path | None, typer.Option(help="JSON file with faults to inject.")]
Tour = Annotated[
    bool, typer.Option("--tour", help="Record, suggestion, shadow, promotion, report; two minutes.")
]
ReportFile = Annotated[
    Path | None,
    typer.Option("--report", help="New file for the tour's report. Default: a temporary one."),
]
Pace = Annotated[float, typer.Option(help="Speed; 2 is twice as fast.", min=0.5, max=5)]


def _print_version(wanted: bool) -> None:
    if wanted:
        out.print(f"breakerd {__version__}")
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version."),
]


@app.callback()
def root(*, version: Version = False) -> None:
    """Circuit breakers for Python services, with alerting."""


@app.command()
def serve(
    config: Config = None,
    host: Host = None,
    port: Port = None,
    *,
    demo_endpoints: DemoEndpoints = False,
) -> None:
    """Run the service: breakers, alerting, HTTP, dashboard."""
    from breakerd.service import Service

    raise typer.Exit(Service(config, host=host, port=port, demo_endpoints=demo_endpoints).run())


@app.command()
def emulator(
    port: EmulatorPort = 8081,
    key: OnlyKey = None,
    delay: Delay = 0.2,
    mode: ModeOption = EmulatedApi.OPSGENIE,
    faults: FaultsFile = None,
) -> None:
    """Run an emulator of OpsGenie or Jira Service Management on loopback, to be paged in tests."""
    from breakerd.api.cli.commands.emulator import EmulatorOptions, run_emulator

    run_emulator(EmulatorOptions(mode.value, port, key, delay, faults))


@app.command()
def demo(pace: Pace = 1.0, report: ReportFile = None, *, tour: Tour = False) -> None:
    """Show a whole incident: a service under load slows down, trips, pages, escalates, recovers.

    With --tour: how a bad threshold becomes a good one, from the record to the report.
    """
    if tour:
        from breakerd.api.cli.demo.tour import run_tour

        raise typer.Exit(run_tour(out, pace, report))
    if report is not None:
        fail("--report needs --tour", USAGE_ERROR)
    from breakerd.api.cli.demo.demo import run_demo

    raise typer.Exit(run_demo(out, pace))


app.command("check")(check_command)
app.command("schema")(schema_command)
app.command("init")(init_command)
app.command("replay")(replay_command)
app.command("suggest")(suggest_command)
app.command("shadow")(shadow_command)
app.command("promote")(promote_command)
app.command("doctor")(doctor_command)
app.command("audit")(audit_command)
app.command("incident")(incident_command)
app.add_typer(alerts)
app.add_typer(config_commands)
app.add_typer(drill)
app.add_typer(fleet)
app.add_typer(silence)

for command in breaker.COMMANDS:
    name = command.__name__.removesuffix("_setting").replace("_", "-")
    app.command(name)(command)
