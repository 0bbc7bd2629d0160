"""Meta's refusals: one exception with code, subcode, title and message, and the well-known ones by name."""

import json
from dataclasses import dataclass
from typing import Any

INVALID = "Invalid parameter"


@dataclass(eq=False)  # not frozen: raising sets attributes of its own
class GraphError(Exception):
    """An error answer of the Graph API; `http` is the status it arrives with."""

    message: str
    code: int = 100
    subcode: int | None = None
    title: str | None = None
    user_message: str | None = None
    blame: tuple[str, ...] = ()
    blame_as_text: bool = False
    http: int = 400
    transient: bool = False
    kind: str = "OAuthException"
    details: dict[str, str] | None = None  # further `error_data`

    def body(self, trace: str) -> dict[str, Any]:
        """Return the answer's JSON; `trace` is Meta's support id."""
        error: dict[str, Any] = {"message": self.message, "type": self.kind, "code": self.code}
        if self.blame:
            data = {"blame_field_specs": [[name] for name in self.blame]}
            error["error_data"] = json.dumps(data) if self.blame_as_text else data
        if self.details is not None:
            error["error_data"] = self.details
        if self.subcode is not None:
            error["error_subcode"] = self.subcode
        error["is_transient"] = self.transient
        if self.title is not None:
            error["error_user_title"] = self.title
            error["error_user_msg"] = self.user_message or self.title
        error["fbtrace_id"] = trace
        return {"error": error}


def refusal(subcode: int | None, title: str, text: str, *blame: str) -> GraphError:
    """Return a validation error under code 100 with what a person would be shown."""
    return GraphError(INVALID, 100, subcode, title, text, blame)


def missing(name: str) -> GraphError:
    """Return the error for a required parameter that is not there."""
    return GraphError(f"(#100) The parameter {name} is required.", 100, blame=(name,))


def not_one_of(name: str, allowed: object) -> GraphError:
    """Return the error for a value outside an enumeration."""
    listed = (
        ", ".join(sorted(map(str, allowed))) if isinstance(allowed, (set, frozenset, tuple, list)) else ""
    )
    return GraphError(f"(#100) Param {name} must be one of {{{listed}}}", 100, blame=(name,))


def malformed(name: str, wanted: str) -> GraphError:
    """Return the error for a value of the wrong type."""
    return GraphError(f"(#100) Param {name} must be {wanted}.", 100, blame=(name,))


def no_such_object(node_id: str, verb: str = "get") -> GraphError:
    """Return the error for an object that is not there or may not be seen (100/33)."""
    return GraphError(
        f"Unsupported {verb} request. Object with ID '{node_id}' does not exist, cannot be loaded due to "
        "missing permissions, or does not support this operation",
        100,
        33,
        kind="GraphMethodException",
    )


def no_such_field(name: str, node_type: str) -> GraphError:
    """Return the error for reading a field a node type does not have."""
    return GraphError(f"(#100) Tried accessing nonexisting field ({name}) on node type ({node_type})", 100)


def bad_token() -> GraphError:
    """Return the error for a token nobody issued."""
    return GraphError("Invalid OAuth access token - Cannot parse access token", 190)


def no_token() -> GraphError:
    """Return the error for a request without a token."""
    return GraphError("An access token is required to request this resource.", 104)


def expired_token() -> GraphError:
    """Return the error for a token whose time has passed (190/463)."""
    return GraphError("Error validating access token: Session has expired.", 190, 463)


def expired_version(version: str) -> GraphError:
    """Return the error for a Marketing API version that is not served any more (2635)."""
    return GraphError(
        f"(#2635) You are calling a deprecated version of the Ads API: {version}. "
        "Please update to the latest version.",
        2635,
    )


def unsupported(verb: str, path: str) -> GraphError:
    """Return the error for a method an address does not have."""
    return GraphError(
        f"Unsupported {verb.lower()} request. The path '{path}' is not served.",
        100,
        kind="GraphMethodException",
    )


def throttled(code: int, subcode: int | None, text: str) -> GraphError:
    """Return a rate-limit error; Meta sends no Retry-After, the usage headers say how long."""
    return GraphError(f"(#{code}) {text}", code, subcode, "Too many calls", text)
