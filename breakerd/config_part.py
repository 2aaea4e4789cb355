"""Log of the configurations of a `Breakerd`'s file, beside the database of its alerting."""

from breakerd.api.file_settings import MASKER
from breakerd.breaker.config import ConfigFile
from breakerd.breaker.config_log import ConfigLog
from breakerd.fleet_part import alerting_database


def make_config_log(config: ConfigFile) -> ConfigLog:
    """Return the log of a file, in `breakerd-config.db` beside alerting's database."""
    database = alerting_database(config.lasting)
    beside = database.with_name(f"{database.stem}-config{database.suffix}")
    return ConfigLog(config, beside, MASKER)
