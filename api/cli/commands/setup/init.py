"""`breakerd init`: write a configuration file to begin with."""

import sys
from pathlib import Path
from typing import Annotated

import typer

File = Annotated[Path, typer.Argument(help="File to write.")]
Service = Annotated[
    str | None, typer.Option(help="Name of the service. Default: that of the folder.")
]
BreakerNames = Annotated[
    str | None, typer.Option("--breakers", help="Dependencies with a table, with commas.")
]
SloOption = Annotated[
    str | None, typer.Option("--slo", help="RATE,SECONDS: share of good calls, and their time.")
]
Threshold = Annotated[
    str | None, typer.Option("--latency-threshold", help="Threshold in ms, instead of --slo.")
]
Receiver = Annotated[
    str | None,
    typer.Option(help="Who gets alerts: none, opsgenie, jsm, pagerduty, slack or webhook."),
]
KeyFile = Annotated[
    str | None, typer.Option(help="File with its key or URL. Default: a variable holds it.")
]
Team = Annotated[str | None, typer.Option(help="Team that is paged.")]
Environment = Annotated[str | None, typer.Option(help="Environment of the service.")]
Region = Annotated[str | None, typer.Option(help="Region of OpsGenie: us or eu.")]
PublicUrl = Annotated[str | None, typer.Option(help="Address of breakerd's pages for people.")]
Fleet = Annotated[
    str | None, typer.Option("--fleet", help="Where processes meet: file, none or redis://HOST.")
]
FleetName = Annotated[str | None, typer.Option(help="Name of the fleet, with Redis.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing: take the defaults.")]
Force = Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")]
WithSchema = Annotated[
    bool, typer.Option("--schema/--no-schema", help="Write the schema for editors beside it.")
]


def init_command(  # noqa: PLR0913 - each is an option
    file: File = Path("config/breakers.toml"),
    *,
    service: Service = None,
    breakers: BreakerNames = None,
    slo: SloOption = None,
    latency_threshold: Threshold = None,
    receiver: Receiver = None,
    key_file: KeyFile = None,
    team: Team = None,
    environment: Environment = None,
    region: Region = None,
    public_url: PublicUrl = None,
    fleet: Fleet = None,
    fleet_name: FleetName = None,
    yes: Yes = False,
    force: Force = False,
    schema: WithSchema = True,
) -> None:
    """Write a commented configuration file; ask for what the options leave open."""
    from breakerd.api.cli.commands.setup.interview import Options, interview
    from breakerd.api.cli.commands.setup.writing import refuse_existing, write_new_file

    refuse_existing(file, force=force)
    given = Options(
        service=service,
        breakers=breakers,
        slo=slo,
        latency_threshold=latency_threshold,
        receiver=receiver,
        key_file=key_file,
        team=team,
        environment=environment,
        region=region,
        public_url=public_url,
        fleet=fleet,
        fleet_name=fleet_name,
    )
    answers = interview(given, asks=not yes and sys.stdin.isatty(), folder=Path.cwd().name)
    write_new_file(file, answers, force=force, schema=schema)
