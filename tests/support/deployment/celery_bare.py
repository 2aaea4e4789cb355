"""A Celery application without breakers, to compare with."""

import os
from pathlib import Path

from tests.support.deployment.celery_broker import connect

app = connect(Path(os.environ["SERVICE_FILE"]).parent)
