"""Admin plane of a `Breakerd`: its access rules, audit log and limits, as `[api]` has them."""

from pathlib import Path
from typing import TYPE_CHECKING

from breakerd.api.config_subscriber import AdminConfigSubscriber
from breakerd.api.http.admin import AdminContext
from breakerd.api.http.parts import Parts
from breakerd.api.security.audit import AuditLog
from breakerd.api.security.auth import Access
from breakerd.api.security.promotion_audit import PromotionAudit
from breakerd.api.security.settings_audit import SettingsAudit
from breakerd.api.security.shared_audit import SharedAudit
from breakerd.api.settings import ApiSettings

if TYPE_CHECKING:
    from breakerd.alerts.alerting import Alerting
    from breakerd.breaker.promotion.keeper import Keeper
    from breakerd.breaker.registry import Registry
    from breakerd.fleet_part import FleetPart
    from breakerd.history_part import HistoryPart


def make_admin_context(
    registry: "Registry",
    alerting: "Alerting | None",
    fleet: "FleetPart",
    history: "HistoryPart",
    settings: ApiSettings,
) -> AdminContext:
    """Return what the routes share; it follows `[api]` of the registry's file.

    Args:
        registry: the breakers; a request counts as their first use.
        alerting: the alerting; None if there is none.
        fleet: membership of this process.
        history: record of this process.
        settings: `[api]` as it was at the start.

    Raises:
        ConfigError: a file with a token cannot be read.
    """
    # Absolute: a daemon changes its working folder later.
    path = Path(settings.audit_file).absolute() if settings.audit_file else None
    audit = AuditLog(path, max_bytes=settings.audit_max_bytes, backups=settings.audit_backups)
    SharedAudit(audit, fleet.fleet)
    audit.on_record = history.note_act
    if fleet.settings is not None:
        fleet.settings.on_taken = SettingsAudit(audit).record
    admin = AdminContext(
        registry,
        alerting,
        settings=settings,
        access=Access.from_settings(settings),
        audit=audit,
        parts=Parts(registry.use, registry.not_running),
        fleet=fleet.fleet,
        views=fleet.views,
    )
    admin.record = history.record
    if registry.config is not None:
        registry.config.subscribe(AdminConfigSubscriber(admin))
    return admin


def share_promotions(admin: AdminContext, keeper: "Keeper") -> None:
    """Let the routes make promises, and the audit log have what becomes of them."""
    admin.keeper = keeper
    keeper.on_settled = PromotionAudit(admin.audit).record
