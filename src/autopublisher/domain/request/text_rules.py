"""Rules on a request's words: names, copy and calls to action."""

from collections.abc import Iterator, Sequence

from autopublisher.domain.errors import Problem
from autopublisher.domain.messages import remedied
from autopublisher.domain.names import fault_of_name
from autopublisher.domain.request.request import RunRequest
from autopublisher.domain.request.request_problems import RequestProblem

LONGEST_NAME = 300
LONGEST_TEXT = 5000

CALLS_TO_ACTION = frozenset(
    {
        "APPLY_NOW",
        "BOOK_NOW",
        "BOOK_TRAVEL",
        "BUY_NOW",
        "CONTACT_US",
        "DONATE_NOW",
        "DOWNLOAD",
        "GET_OFFER",
        "GET_QUOTE",
        "GET_SHOWTIMES",
        "INSTALL_MOBILE_APP",
        "LEARN_MORE",
        "LISTEN_NOW",
        "NO_BUTTON",
        "OPEN_LINK",
        "ORDER_NOW",
        "PLAY_GAME",
        "REQUEST_TIME",
        "SEE_MENU",
        "SHOP_NOW",
        "SIGN_UP",
        "SUBSCRIBE",
        "USE_APP",
        "WATCH_MORE",
    }
)
"""Meta's buttons for link ads."""


def check_texts(request: RunRequest) -> Iterator[Problem]:
    """Yield what is wrong with the campaign's name, its copy and the list of creatives."""
    if not request.campaign_name.strip():
        yield Problem("campaign_name", *remedied(RequestProblem.NO_CAMPAIGN_NAME()))
    elif (fault := fault_of_name(request.campaign_name)) is not None:
        yield Problem("campaign_name", *remedied(RequestProblem.UNREADABLE_CAMPAIGN_NAME(fault=fault)))
    if len(request.campaign_name) > LONGEST_NAME:
        yield Problem(
            "campaign_name",
            *remedied(
                RequestProblem.CAMPAIGN_NAME_TOO_LONG(count=len(request.campaign_name), most=LONGEST_NAME)
            ),
        )
    yield from _check_copy("headlines", request.headlines)
    yield from _check_copy("primary_texts", request.primary_texts)
    if not request.creative_ids:
        yield Problem("creative_ids", *remedied(RequestProblem.NO_CREATIVES()))


def _check_copy(name: str, texts: Sequence[str]) -> Iterator[Problem]:
    if not texts:
        yield Problem(name, *remedied(RequestProblem.NO_TEXTS(name=name)))
    for index, text in enumerate(texts):
        where = f"{name}[{index}]"
        if not text.strip():
            yield Problem(where, *remedied(RequestProblem.EMPTY_TEXT()))
        elif len(text) > LONGEST_TEXT:
            yield Problem(where, *remedied(RequestProblem.TEXT_TOO_LONG(most=LONGEST_TEXT)))


def check_extras(request: RunRequest) -> Iterator[Problem]:
    """Yield calls to action that Meta does not have."""
    for index, action in enumerate(request.call_to_actions):
        if action not in CALLS_TO_ACTION:
            yield unknown_call_to_action(f"call_to_actions[{index}]", action)


def unknown_call_to_action(field: str, action: str) -> Problem:
    """Return the problem of a button that Meta does not have."""
    return Problem(
        field,
        *remedied(RequestProblem.UNKNOWN_CALL_TO_ACTION(action=action, known=tuple(sorted(CALLS_TO_ACTION)))),
    )
