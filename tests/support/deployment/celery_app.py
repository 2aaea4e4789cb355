"""A Celery application with breakers, in the module that each worker loads."""

import os
from typing import Any

from breakerd import Breakerd
from tests.support.deployment.answers import answer
from tests.support.deployment.celery_bare import app

breakers = Breakerd.from_file(os.environ["SERVICE_FILE"])
payments = breakers.get("payments")


@app.task(name="ask")
def ask(action: str) -> dict[str, Any]:
    return answer(breakers, payments, action)
