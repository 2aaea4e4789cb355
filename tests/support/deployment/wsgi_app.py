"""A Flask service with breakers, and no admin plane."""

import os
from typing import Any

from flask import Flask

from breakerd import Breakerd
from tests.support.deployment.answers import answer

breakers = Breakerd.from_file(os.environ["SERVICE_FILE"])
payments = breakers.get("payments")
app = Flask(__name__)


@app.get("/<action>")
def ask(action: str) -> dict[str, Any]:
    return answer(breakers, payments, action)
