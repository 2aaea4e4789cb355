"""Log of the configurations of a `Breakerd`'s file, beside the database of its alerting."""

from pathlib import Path

from breakerd.api.file_settings import MASKER
from breakerd.breaker.config import ConfigFile
from breakerd.breaker.config_log import ConfigLog
from breakerd.fleet_part import database_of


def make_config_log(config: ConfigFile) -> ConfigLog:
    """Return the log of a file, in `breakerd-config.db` beside alerting's database."""
    # Absolute: a daemon changes its working folder later.
    database = Path(database_of(config.lasting)).absolute()
    beside = database.with_name(f"{database.stem}-config{database.suffix}")
    return ConfigLog(config, beside, MASKER)
