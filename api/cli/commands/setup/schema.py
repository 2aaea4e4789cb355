"""`breakerd schema`: JSON Schema of the configuration file, for editors."""

import json
from pathlib import Path
from typing import Annotated

import typer

from breakerd.api.cli.output import fail, print_lines

Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="File to write. Default: the standard output."),
]


def schema_command(output: Output = None) -> None:
    """Print the JSON Schema of the configuration file, which editors complete and check by."""
    from breakerd.api.file_schema import file_schema

    text = json.dumps(file_schema(), indent=2, ensure_ascii=False)
    if output is None:
        print_lines([text])
        return
    try:
        output.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        fail(f"{output} cannot be written: {error.strerror or error}")
