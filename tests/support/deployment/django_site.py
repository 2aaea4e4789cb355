"""A Django project in one module; its breakers are made as soon as its settings are read."""

import os

from django.http import HttpRequest, JsonResponse
from django.urls import path

from breakerd import Breakerd
from tests.support.deployment.answers import answer

ALLOWED_HOSTS = ["127.0.0.1"]
DEBUG = True
ROOT_URLCONF = __name__
SECRET_KEY = "of a test, not secret"

breakers = Breakerd.from_file(os.environ["SERVICE_FILE"])
payments = breakers.get("payments")


def ask(_request: HttpRequest, action: str) -> JsonResponse:
    return JsonResponse(answer(breakers, payments, action))


urlpatterns = [path("<action>", ask)]
