"""The one error tree: a class's docstring is its message, its keyword arguments are the facts filled in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a message may hold money, and money raises errors
    from autopublisher.domain.messages import Message


@dataclass(frozen=True)
class Problem:
    """One thing wrong with an input: which ``field``, why (``reason``) and what to do (``remedy``)."""

    field: str
    reason: "Message | str"
    remedy: "Message | str"
    code: str = "invalid"


class AutoPublisherError(Exception):
    """Something went wrong in AutoPublisher."""

    remedy: "Message | str" = ""
    """What the reader can do about it; empty where nothing can be advised."""

    def __init__(self, **facts: object) -> None:
        self.facts: Mapping[str, object] = facts
        template = (type(self).__doc__ or "").strip().splitlines()[0]
        super().__init__(template.format(**facts))

    @property
    def message(self) -> str:
        """The filled-in sentence."""
        return str(self.args[0])


# --- the product's own refusals -------------------------------------------------------------------


class UnknownCurrencyError(AutoPublisherError):
    """Currency {currency} is not one Meta bills in."""

    remedy = "Use the ad account's currency as an ISO 4217 code, for example EUR."


class CurrencyMismatchError(AutoPublisherError):
    """Amounts in {left} and {right} cannot be combined."""


class DisabledError(AutoPublisherError):
    """AutoPublisher is disabled"""

    remedy = "Set AUTO_PUBLISHER_ENABLED=true and restart."


class NotFoundError(AutoPublisherError):
    """The {what} {id} was not found."""


class AccountNotFoundError(NotFoundError):
    """Meta account not found"""

    remedy: "Message | str" = "Check that meta_account_id exists: GET /meta/accounts lists the accounts."


class CreativesNotFoundError(NotFoundError):
    """Creatives not found: {ids}"""

    remedy = "Check creative_ids: GET /meta/creatives lists the creatives."


class RunNotFoundError(NotFoundError):
    """Run {id} was not found."""

    remedy = "Check the run_id: GET /meta/autopilot/runs lists the runs."


class StopNotFoundError(NotFoundError):
    """No such stop"""

    remedy = "GET /meta/autopilot/stops lists the stops."


class InvalidRequestError(AutoPublisherError):
    """{summary}"""

    def __init__(self, problems: Sequence[Problem], summary: str | None = None) -> None:
        self.problems = tuple(problems)
        super().__init__(summary=summary or self.problems[0].reason)
        self.remedy = self.problems[0].remedy


class ConflictError(AutoPublisherError):
    """{reason}"""

    def __init__(self, reason: "Message | str", remedy: "Message | str" = "") -> None:
        super().__init__(reason=reason)
        self.remedy = remedy


class TransitionError(ConflictError):
    """{reason}"""


class StaleRunError(AutoPublisherError):
    """Run {id} moved on while this worker was busy with version {version}."""


class StaleWatchError(AutoPublisherError):
    """The watch of {act_id} moved on while this worker was busy with version {version}."""


class StaleCampaignError(AutoPublisherError):
    """Campaign {id} moved on while this worker was busy with version {version}."""


class StaleOperationError(AutoPublisherError):
    """Operation {key} is no longer {was}: another worker has advanced it."""


class GateRefusedError(AutoPublisherError):
    """The money gate refused {key}: {reason}"""

    remedy = "Nothing was sent. Read the reason; raise total_budget in a new run if it is really meant."


class LimitRefusedError(GateRefusedError):
    """A spend limit refused {key}: {reason}"""

    remedy = "Nothing was sent. Raise the limit, or wait until other runs have ended; 'autopublisher exposure' shows both."


class NotAuthenticatedError(AutoPublisherError):
    """A valid bearer token is required."""

    remedy = "Send 'Authorization: Bearer <token>'; POST /auth/token gives one."


class ForbiddenError(AutoPublisherError):
    """Your role ({role}) may not do this; it needs one of: {allowed}."""

    remedy = "Ask an administrator for the role, or use another account."


class OverrideForbiddenError(ForbiddenError):
    """The verdict speaks against variant {variant}: your role ({role}) may not release it; it needs one of: {allowed}."""

    remedy = "Release the variant that the verdict names, or ask one of these for the override."


class UnavailableError(AutoPublisherError):
    """Cannot verify this now: {reason}"""

    remedy = "Nothing was changed. Try again in a moment; 'autopublisher doctor' says what is unreachable."


class UnwritableError(UnavailableError):
    """The database cannot be written: {reason}"""

    remedy = (
        "Nothing was changed. Give the disk room or the database's user its rights; until then 'autopublisher stop' "
        "still pauses everything at Meta."
    )


class NewerDatabaseError(UnavailableError):
    """The database is at revision {revision}, which this release does not know: a newer one has written it."""

    remedy = "Nothing was changed. Install the newer release, or restore a backup that this one made."


class ConfigurationError(AutoPublisherError):
    """Setting {name}: {reason}"""


class LostDatabaseError(ConfigurationError):
    """The database holds no run, but runs were admitted from {home}: it was lost, deleted, or is an older copy."""

    remedy = (
        "Nothing was started. Put the database back together with its -wal file, restore a backup with 'autopublisher "
        "restore FILE', or begin anew with --new-database ('./run --fresh' for the demo): then nothing is known here of "
        "what is on at Meta."
    )


# --- what Meta answered, or failed to answer ------------------------------------------------------


class MetaError(AutoPublisherError):
    """Meta: {message}"""

    def __init__(
        self,
        message: "Message | str",
        *,
        code: int | None = None,
        subcode: int | None = None,
        user_message: str = "",
    ) -> None:
        self.code = code
        self.subcode = subcode
        self.user_message = user_message
        self.why = message
        super().__init__(message=message)


class MetaOutcomeUnknownError(MetaError):
    """Meta gave no usable answer, so the write may or may not have happened: {message}"""


class MetaTransientError(MetaOutcomeUnknownError):
    """Meta reported a passing fault; a write may have happened all the same: {message}"""


class MetaReadError(MetaTransientError):
    """Meta's answer cannot be used: {message}"""

    remedy = (
        "Nothing was changed. It is asked again; if it lasts, Meta's status page and Ads Manager may say why."
    )


class MetaTooMuchDataError(MetaReadError):
    """Meta finds this question too large, in the smallest part it can be asked in: {message}"""


class MetaThrottledError(MetaError):
    """Meta is limiting calls: {message}"""

    def __init__(self, message: str, *, retry_at: datetime | None = None, **codes: int | str | None) -> None:
        self.retry_at = retry_at
        super().__init__(
            message,
            code=_whole(codes.get("code")),
            subcode=_whole(codes.get("subcode")),
            user_message=str(codes.get("user_message") or ""),
        )


class MetaRefusedError(MetaError):
    """Meta refused the call: {message}"""


class MetaNotFoundError(MetaRefusedError):
    """Meta does not know this object, or the token may not see it: {message}"""


class MetaAuthorisationError(MetaError):
    """Meta did not accept the credentials: {message}"""

    remedy = "Renew META_ACCESS_TOKEN with ads_management permission; 'autopublisher doctor' checks it."


class MetaHumanNeededError(MetaError):
    """Meta wants a person to act in Ads Manager first: {message}"""


def _whole(value: int | str | None) -> int | None:
    return value if isinstance(value, int) else None
