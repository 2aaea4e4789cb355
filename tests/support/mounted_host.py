"""A host's application with the admin plane below /ops, for servers that load it by its name."""

from __future__ import annotations

from fastapi import FastAPI

from breakerd import Registry, admin_router

app = FastAPI()
app.include_router(admin_router(Registry()), prefix="/ops")
