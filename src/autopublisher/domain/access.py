"""Roles and permissions as one table, read by the API, the dashboard and the tests."""

from enum import StrEnum

from autopublisher.domain.errors import ForbiddenError


class Role(StrEnum):
    """The brief's three roles, and ``viewer``, who only looks."""

    ADMIN = "admin"
    MANAGER = "manager"
    OPERATOR = "operator"
    VIEWER = "viewer"


class Permission(StrEnum):
    """What a route asks for: ``scope:resource:action``."""

    RUN_CREATE = "autopilot:run:create"
    RUN_SCHEDULE = "autopilot:run:schedule"
    RUN_READ = "autopilot:run:read"
    RUN_CANCEL = "autopilot:run:cancel"
    RUN_ADOPT = "autopilot:run:adopt"
    WINNER_PUBLISH = "autopilot:winner:publish"
    WINNER_OVERRIDE = "autopilot:winner:override"
    STOP_CREATE = "autopilot:stop:create"
    STOP_READ = "autopilot:stop:read"
    STOP_LIFT = "autopilot:stop:lift"
    HEALTH_READ = "autopilot:health:read"
    EXPOSURE_READ = "autopilot:exposure:read"
    ACCOUNT_READ = "meta:account:read"
    ACCOUNT_WRITE = "meta:account:write"
    CREATIVE_READ = "meta:creative:read"
    CREATIVE_WRITE = "meta:creative:write"


_A, _M, _O, _V = Role.ADMIN, Role.MANAGER, Role.OPERATOR, Role.VIEWER

GRANTS: dict[Permission, frozenset[Role]] = {
    Permission.RUN_CREATE: frozenset({_A, _M}),
    Permission.RUN_SCHEDULE: frozenset({_M}),
    Permission.RUN_READ: frozenset({_A, _M}),
    Permission.RUN_CANCEL: frozenset({_A, _M}),
    Permission.RUN_ADOPT: frozenset({_A, _M}),
    Permission.WINNER_PUBLISH: frozenset({_O, _M, _A}),
    Permission.WINNER_OVERRIDE: frozenset({_M, _A}),
    Permission.STOP_CREATE: frozenset({_A, _M, _O}),
    Permission.STOP_READ: frozenset({_A, _M, _O, _V}),
    Permission.STOP_LIFT: frozenset({_A, _M}),
    Permission.HEALTH_READ: frozenset({_A, _M, _O, _V}),
    Permission.EXPOSURE_READ: frozenset({_A, _M, _O}),
    Permission.ACCOUNT_READ: frozenset({_A, _M, _O, _V}),
    Permission.ACCOUNT_WRITE: frozenset({_A}),
    Permission.CREATIVE_READ: frozenset({_A, _M, _O, _V}),
    Permission.CREATIVE_WRITE: frozenset({_A, _M}),
}
"""The brief's role lists exactly for its own endpoints; the rest follows the least that the work needs."""


def allows(role: Role, permission: Permission) -> bool:
    """Tell whether ``role`` holds ``permission``."""
    return role in GRANTS[permission]


def require(role: Role, permission: Permission) -> None:
    """Raise ForbiddenError unless ``role`` holds ``permission``."""
    if not allows(role, permission):
        allowed = ", ".join(sorted(GRANTS[permission]))
        raise ForbiddenError(role=role, allowed=allowed)
