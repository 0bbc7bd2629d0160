"""HTTP session of the Graph API: the SDK's, with a base URL, timeouts and our own reading of every answer.

The SDK takes an HTML error page for success, fails on odd bodies, puts the token into every URL and from there into
exception texts. So the answer is judged here, before the SDK sees it; the token travels in a header; and an error leaves
without the exception that caused it, because that one holds the request with the header. A read that met a passing fault
is asked again at once, as it changes nothing; a write never is.
"""

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from threading import local
from typing import Any
from urllib.parse import urlsplit

import requests
from facebook_business.session import FacebookSession

from autopublisher.domain.errors import (
    MetaError,
    MetaOutcomeUnknownError,
    MetaReadError,
    MetaTransientError,
)
from autopublisher.domain.messages import Message
from autopublisher.domain.meta.answers import MetaFault
from autopublisher.domain.meta.rules import classify, redact
from autopublisher.ports.meta.writing import LastCheck

GRAPH = "https://graph.facebook.com"
"""Where Meta answers; stub mode gives the simulator's address instead."""

_ANSWER_KEYS = frozenset(
    {"id", "data", "success", "images", "hash", "report_run_id", "videos", "permissions"}
)
"""A successful answer of the Graph API has at least one of these."""


@dataclass(frozen=True)
class Credentials:
    """What Meta knows us by; the app's secret, if given, proves every call."""

    access_token: str = field(repr=False)
    app_id: str | None = None
    app_secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Timeouts:
    """Real seconds to wait for a connection, and for the next bytes of an answer."""

    connect: float = 5.0
    read: float = 30.0


READ_SENDS = 3
"""So often a read is sent at most where Meta or the way to it fails for a moment."""

Listener = Callable[[str, Mapping[str, str], MetaError | None], MetaError | None]
"""Hears every answer (path, headers, error) and returns the error to raise, if any."""


class SecretFilter(logging.Filter):
    """Takes the secrets of one session out of log records."""

    def __init__(self, secrets: frozenset[str]) -> None:
        super().__init__()
        self._secrets = secrets

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record's text; every record passes."""
        record.msg, record.args = redact(record.getMessage(), self._secrets), ()
        return True


class GraphTransport(requests.Session):
    """Sends one request and returns the answer only if it is a good one; otherwise raises a Meta error."""

    def __init__(self, credentials: Credentials, secrets: frozenset[str], listener: Listener) -> None:
        super().__init__()
        # Neither proxies nor .netrc of the environment: the latter would replace our Authorization header.
        self.trust_env = False
        self.headers["Authorization"] = f"Bearer {credentials.access_token}"
        self._secrets = secrets
        self._listener = listener
        self._checks = local()  # the session serves many threads, and each check is about one thread's write

    @contextmanager
    def checked(self, check: LastCheck) -> Iterator[None]:
        """Call ``check`` before each write of this thread within the block; what it raises comes out unchanged."""
        before = getattr(self._checks, "last", None)
        self._checks.last = check
        try:
            yield
        finally:
            self._checks.last = before

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Check a write once more, when the request is complete and only the wire is left to come."""
        check: LastCheck | None = getattr(self._checks, "last", None)
        if check is not None and request.method != "GET":
            check()
        return super().send(request, **kwargs)

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        """Send once, a read that met a passing fault READ_SENDS times; raises MetaError for every kind of failure.

        No redirect is followed.
        """
        verb = str(method)
        kwargs["allow_redirects"] = False
        sends = READ_SENDS if verb == "GET" else 1
        while True:
            sends -= 1
            answer, is_quick = self._sent(verb, str(url), *args, **kwargs)
            if isinstance(answer, requests.Response):
                return answer
            if sends == 0 or not is_quick or type(answer) is not MetaReadError:
                raise answer

    def _sent(
        self, verb: str, address: str, *args: Any, **kwargs: Any
    ) -> tuple[requests.Response | MetaError, bool]:
        """Send once; return a good answer or what went wrong, and whether that came without waiting until a timeout."""
        try:
            response = super().request(verb, address, *args, **kwargs)
        except (requests.RequestException, OSError) as error:
            # Nothing of it may hang on the error that is raised, and so that one is raised outside of here.
            lost, is_quick = type(error).__name__, not isinstance(error, requests.Timeout | TimeoutError)
        else:
            response.encoding = "utf-8"  # JSON is; guessing would take longer than the call
            path = urlsplit(address).path
            failure = self._failure(verb, response.status_code, response.text, is_batch=_is_root(path))
            return self._listener(path, response.headers, failure) or response, True
        return _unanswered(verb, MetaFault.NO_ANSWER(why=lost)), is_quick

    def judged(self, path: str, status: int, headers: Mapping[str, str], text: str) -> MetaError | None:
        """Judge the answer to one write of a batch as if it had been sent by itself."""
        return self._listener(path, headers, self._failure("POST", status, text))

    def _failure(self, verb: str, status: int, text: str, *, is_batch: bool = False) -> MetaError | None:
        """Judge an answer by its content first: Meta sends errors with HTTP 200 and pages with HTTP 502."""
        answer = _json(text)
        if is_batch and isinstance(answer, list):
            return None
        body = answer if isinstance(answer, dict) else None
        if body is None or ("error" not in body and not _is_good(status, body)):
            return _unanswered(verb, MetaFault.NOT_UNDERSTOOD(status=str(status)))
        if "error" not in body:
            return None
        return self._presentable(verb, classify(status, body))

    def _presentable(self, verb: str, error: MetaError) -> MetaError:
        """Take secrets out of Meta's own words, and tell reads from writes where the outcome is unknown."""
        message = error.why if isinstance(error.why, Message) else redact(error.why, self._secrets)
        if type(error) is MetaOutcomeUnknownError:
            return _unanswered(verb, message)
        user_message = redact(error.user_message, self._secrets)
        return _kind_for(verb, error)(
            message, code=error.code, subcode=error.subcode, user_message=user_message
        )


class GraphSession(FacebookSession):  # type: ignore[misc] # the SDK has no types
    """The SDK's session on a base URL of our choice; close it when done."""

    requests: Any

    def __init__(self, credentials: Credentials, listener: Listener, base: str, timeouts: Timeouts) -> None:
        super().__init__(
            credentials.app_id,
            credentials.app_secret,
            credentials.access_token,
            timeout=(timeouts.connect, timeouts.read),
        )
        self.GRAPH = base.rstrip("/")
        proof: str | None = self.requests.params.get("appsecret_proof")
        secrets = frozenset(filter(None, (credentials.access_token, credentials.app_secret, proof)))
        transport = GraphTransport(credentials, secrets, listener)
        transport.verify = self.requests.verify
        transport.params = {} if proof is None else {"appsecret_proof": proof}
        self.requests.close()
        self.requests = transport
        self._filter = SecretFilter(secrets)
        logging.getLogger("urllib3.connectionpool").addFilter(self._filter)

    @contextmanager
    def checked(self, check: LastCheck) -> Iterator[None]:
        """Have this thread's writes within the block checked right before they go out."""
        with self.requests.checked(check):
            yield

    def judged(self, path: str, status: int, headers: Mapping[str, str], text: str) -> MetaError | None:
        """Judge the answer to one write of a batch as if it had been sent by itself."""
        failure: MetaError | None = self.requests.judged(path, status, headers, text)
        return failure

    def close(self) -> None:
        """Close the connections."""
        self.requests.close()
        logging.getLogger("urllib3.connectionpool").removeFilter(self._filter)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _is_root(path: str) -> bool:
    """Whether a request was sent to ``/v26.0/``, as batches are, and not to a node."""
    return "/" not in path.strip("/")


def _is_good(status: int, body: Mapping[str, Any]) -> bool:
    """Whether a body without error is one the Graph API sends with success."""
    in_range = HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES
    return in_range and body.get("success", True) is True and not _ANSWER_KEYS.isdisjoint(body)


def _unanswered(verb: str, message: Message | str) -> MetaError:
    """A read that told us nothing may be asked again; a write may have happened."""
    return MetaReadError(message) if verb == "GET" else MetaOutcomeUnknownError(message)


def _kind_for(verb: str, error: MetaError) -> type[MetaError]:
    """Return the kind of a passing fault: a read has changed nothing, a write may have happened whatever Meta says."""
    if not isinstance(error, MetaTransientError):
        return type(error)
    if verb != "GET":
        return MetaTransientError
    return type(error) if isinstance(error, MetaReadError) else MetaReadError
