"""Make a change of settings as its request asks: try it, keep it for a time, or write it."""

from collections.abc import Callable
from functools import partial
from typing import Any

from breakerd.api.config_changes.etag import require_match
from breakerd.api.config_changes.options import ChangeOptions
from breakerd.api.config_changes.preview import preview
from breakerd.api.config_changes.temporary import hold, laid_over
from breakerd.api.http import sections
from breakerd.api.http.admin import AdminContext, BreakerOperation
from breakerd.api.http.shared_change import SettingsOutcome, SharedChange, sharing
from breakerd.api.problems import NO_CONFIG_LOG, Problem
from breakerd.api.security.auth import Actor
from breakerd.breaker.config import ConfigFile, Document
from breakerd.breaker.config.following.in_force import Changes
from breakerd.breaker.config.settings_change import SettingsChange


def change_breaker(
    operation: BreakerOperation, values: dict[str, object], options: ChangeOptions
) -> SettingsOutcome:
    """Change settings of one breaker; see `BreakerOperation.change`.

    Raises:
        Problem: 412 if they have changed since the client has read them.
    """
    admin, name = operation.admin, operation.breaker.name

    def require() -> None:
        require_match(admin, options.if_match, breaker_view(operation))

    config = admin.registry.config
    if options.persist or config is None:
        return operation.change(values, require)
    change = SettingsChange(values)

    def wanted(document: Document) -> Changes:
        require()
        return admin.registry.file_changes(name, change, document)

    with operation.audited_change(values, "change settings temporarily") as outcome:
        hold(admin, config, operation.actor, wanted)
    return outcome()


def preview_breaker(
    operation: BreakerOperation, values: dict[str, object], options: ChangeOptions
) -> dict[str, Any]:
    """Return what a change of one breaker's settings would do.

    Raises:
        Problem: 412 if they have changed since the client has read them; 409 without a file.
    """
    admin = operation.admin
    require_match(admin, options.if_match, breaker_view(operation))
    change = SettingsChange(values)
    wanted = partial(admin.registry.file_changes, operation.breaker.name, change)
    return _preview(admin, operation.actor, wanted, options)


def change_service(
    admin: AdminContext, actor: Actor, changes: Changes, options: ChangeOptions
) -> SharedChange:
    """Change any keys of the file; see `sections.change`.

    Raises:
        Problem: 412 if they have changed since the client has read them.
    """

    def require() -> None:
        require_match(admin, options.if_match, sections.read(admin))

    config = admin.registry.config
    if options.persist or config is None:
        return sections.change(admin, actor, changes, require=require)

    def wanted(document: Document) -> Changes:
        require()
        return sections.file_changes(admin, changes, document)

    with (
        sharing(admin.fleet, actor) as shared,
        sections.audited(admin, actor, changes, "change configuration temporarily"),
    ):
        sections.require_changeable(admin, changes)
        hold(admin, config, actor, wanted)
    return shared


def preview_service(
    admin: AdminContext, actor: Actor, changes: Changes, options: ChangeOptions
) -> dict[str, Any]:
    """Return what a change of any keys of the file would do.

    Raises:
        Problem: 412 if they have changed since the client has read them; 409 without a file.
    """
    require_match(admin, options.if_match, sections.read(admin))
    sections.require_changeable(admin, changes)
    return _preview(admin, actor, partial(sections.file_changes, admin, changes), options)


def breaker_view(operation: BreakerOperation) -> dict[str, Any]:
    """Return what the GET of a breaker's settings shows."""
    return operation.breaker.settings.model_dump(mode="json")


def config_of(admin: AdminContext) -> ConfigFile:
    """Return the configuration file.

    Raises:
        Problem: 409 if there is none.
    """
    if admin.registry.config is None:
        detail = "No configuration file: the service runs on built-in defaults."
        raise Problem(409, detail, kind=NO_CONFIG_LOG)
    return admin.registry.config


def _preview(
    admin: AdminContext,
    actor: Actor,
    wanted: Callable[[Document], Changes],
    options: ChangeOptions,
) -> dict[str, Any]:
    config = config_of(admin)
    if options.persist:
        return preview(admin, config.preview(wanted), persist=True)
    with config.lock:
        over = laid_over(config, actor, config.temporary, wanted(config.lasting))
        return preview(admin, config.preview({}, over), persist=False)
