"""The Meta client against a server that misbehaves in one chosen way per test."""

import hashlib
import hmac
import json
import logging
import socket
import struct
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest

from autopublisher.adapters.meta.client import SdkMetaAds
from autopublisher.adapters.meta.session import Credentials, Timeouts
from autopublisher.domain.errors import (
    MetaAuthorisationError,
    MetaError,
    MetaHumanNeededError,
    MetaNotFoundError,
    MetaOutcomeUnknownError,
    MetaRefusedError,
    MetaThrottledError,
    MetaTransientError,
    UnavailableError,
)
from autopublisher.domain.ids import ActId, MetaId
from autopublisher.domain.meta_rules import MetaHeldBackError
from autopublisher.domain.operations import ObjectKind

TOKEN = "EAAB-very-secret-token-0123456789"
APP_SECRET = "0f1e2d3c4b5a-app-secret"
ACT = ActId("act_42")
OBJECT = MetaId("120000000000000001")
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
NAMES = {"name": "Autumn [ap-1]", "status": "PAUSED"}


@dataclass(frozen=True)
class Seen:
    """A request as the server saw it."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: str

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.path).query)


Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Gives the next answer of the script, and remembers what was asked."""

    script: ClassVar[list[Answer]]
    seen: ClassVar[list[Seen]]
    release: ClassVar[threading.Event]

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode()
        self.seen.append(Seen(self.command, self.path, dict(self.headers), body))
        self.script.pop(0)(self)

    do_GET = do_POST = do_DELETE = answer  # noqa: N815 - the server's own naming

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the server's own naming
        """Keep quiet."""


@dataclass
class Stub:
    """A server with a script of answers."""

    server: ThreadingHTTPServer
    handler: type[Handler]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    @property
    def seen(self) -> list[Seen]:
        return self.handler.seen

    def answers(self, *script: Answer) -> None:
        self.handler.script.extend(script)


@dataclass
class HandClock:
    """A clock set by hand; ``broken`` makes it unreadable."""

    present: datetime = NOON
    broken: bool = field(default=False)

    def now(self) -> datetime:
        if self.broken:
            raise UnavailableError(reason="the test's clock")
        return self.present

    def real_seconds_until(self, moment: datetime) -> float:
        return (moment - self.present).total_seconds()


@pytest.fixture
def stub() -> Iterator[Stub]:
    release = threading.Event()
    handler = type("Scripted", (Handler,), {"script": [], "seen": [], "release": release})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield Stub(server, handler)
    release.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def client(stub: Stub, clock: HandClock) -> Iterator[SdkMetaAds]:
    credentials = Credentials(TOKEN, app_id="7", app_secret=APP_SECRET)
    with SdkMetaAds(credentials, clock, stub.url, Timeouts(2.0, 0.3), page_size=2) as client:
        yield client


def says(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    text = body if isinstance(body, str) else json.dumps(body)

    def answer(handler: Handler) -> None:
        handler.send_response(status)
        for name, value in (headers or {}).items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(text.encode())

    return answer


def fails(code: int, subcode: int | None = None, *, status: int = 400, **more: Any) -> Answer:
    error = {"message": "Something", "type": "OAuthException", "code": code, **more}
    return says({"error": error if subcode is None else {**error, "error_subcode": subcode}}, status)


def resets(handler: Handler) -> None:
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def hangs(handler: Handler) -> None:
    handler.release.wait(30)


def breaks_off(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"id": "12')


HTML = "<html><body><h1>502 Bad Gateway</h1></body></html>"
NO_USABLE_ANSWER = {
    "reset": resets,
    "timeout": hangs,
    "cut short": breaks_off,
    "HTML with 502": says(HTML, 502),
    "HTML with 200": says(HTML),
    "an error page naming the service": says("Service Unavailable", 503),
    "nothing": says(""),
    "null": says("null"),
    "true": says("true"),
    "a list": says([1, 2]),
    "an empty object": says({}),
    "no success": says({"success": False}),
    "an error without code": says({"error": {"message": "?"}}),
    "an error that is a text": says({"error": "nope"}, 400),
    "a redirect": says("", 302, {"Location": "http://127.0.0.1:9/elsewhere"}),
    "deep nesting": says("[" * 100_000),
}
REFUSALS: Sequence[tuple[Answer, type[MetaError]]] = [
    (fails(1, status=500), MetaTransientError),
    (fails(2, status=500, is_transient=True), MetaTransientError),
    (fails(12345, status=503), MetaTransientError),
    (fails(100, 1487390, is_transient=False), MetaTransientError),
    (fails(4), MetaThrottledError),
    (fails(17, 2446079), MetaThrottledError),
    (fails(613, 1487632), MetaThrottledError),
    (fails(80004, 2446079), MetaThrottledError),
    (fails(190, 463, status=401), MetaAuthorisationError),
    (fails(200, status=403), MetaAuthorisationError),
    (fails(368), MetaHumanNeededError),
    (fails(31, 3858385, status=200), MetaHumanNeededError),
    (fails(100, 33), MetaNotFoundError),
    (fails(803, status=404), MetaNotFoundError),
    (fails(100, 1885272), MetaRefusedError),
    (fails(2635), MetaRefusedError),
    (fails(100, status=200), MetaRefusedError),
    (fails(100, error_data="not JSON at all"), MetaRefusedError),
]


class TestAnAnswerNobodyCanUse:
    @pytest.mark.parametrize("kind", NO_USABLE_ANSWER)
    def test_leaves_a_create_in_doubt(self, kind: str, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(NO_USABLE_ANSWER[kind])

        with pytest.raises(MetaOutcomeUnknownError) as caught:
            client.create(ACT, ObjectKind.CAMPAIGN, NAMES)

        assert type(caught.value) is MetaOutcomeUnknownError

    @pytest.mark.parametrize("kind", NO_USABLE_ANSWER)
    def test_makes_a_read_worth_repeating(self, kind: str, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(NO_USABLE_ANSWER[kind])

        with pytest.raises(MetaTransientError):
            client.read(ObjectKind.AD, OBJECT, ["name"])

    @pytest.mark.parametrize("kind", NO_USABLE_ANSWER)
    def test_is_asked_for_only_once(self, kind: str, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(NO_USABLE_ANSWER[kind])

        with pytest.raises(MetaOutcomeUnknownError):
            client.update(OBJECT, {"status": "PAUSED"})

        assert len(stub.seen) == 1

    def test_a_create_without_an_id_is_in_doubt(self, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(says({"success": True}))

        with pytest.raises(MetaOutcomeUnknownError):
            client.create(ACT, ObjectKind.AD_SET, NAMES)

    def test_an_update_without_success_is_in_doubt(self, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(says({"data": []}))

        with pytest.raises(MetaOutcomeUnknownError):
            client.update(OBJECT, NAMES)

    def test_an_upload_without_a_hash_is_in_doubt(self, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(says({"images": {}}))

        with pytest.raises(MetaOutcomeUnknownError):
            client.upload_image(ACT, "a.png", b"bytes")

    def test_a_server_that_is_gone_leaves_a_delete_in_doubt(self, clock: HandClock) -> None:
        with socket.socket() as reserved:
            reserved.bind(("127.0.0.1", 0))
            base = f"http://127.0.0.1:{reserved.getsockname()[1]}"
            with (
                SdkMetaAds(Credentials(TOKEN), clock, base, Timeouts(0.5, 0.5)) as client,
                pytest.raises(MetaOutcomeUnknownError),
            ):
                client.delete(OBJECT)


class TestAnErrorOfMeta:
    @pytest.mark.parametrize(("answer", "kind"), REFUSALS)
    def test_becomes_the_error_of_its_class(
        self, answer: Answer, kind: type[MetaError], stub: Stub, client: SdkMetaAds
    ) -> None:
        stub.answers(answer)

        with pytest.raises(MetaError) as caught:
            client.create(ACT, ObjectKind.CAMPAIGN, NAMES)

        assert type(caught.value) is kind

    def test_keeps_its_numbers_and_words(self, stub: Stub, client: SdkMetaAds) -> None:
        title, advice = "Budget too low", "Raise it."
        stub.answers(fails(100, 1885272, error_user_title=title, error_user_msg=advice, fbtrace_id="Axy"))

        with pytest.raises(MetaRefusedError) as caught:
            client.create(ACT, ObjectKind.AD_SET, NAMES)

        error = caught.value
        assert (error.code, error.subcode, error.user_message) == (100, 1885272, "Budget too low: Raise it.")
        assert "Axy" in error.message

    def test_of_throttling_says_when_to_come_back(self, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(fails(613, 1487632))

        with pytest.raises(MetaThrottledError) as caught:
            client.update(OBJECT, {"daily_budget": 5000})

        assert caught.value.retry_at == NOON + timedelta(minutes=15)


class TestSecrets:
    @pytest.mark.parametrize("kind", NO_USABLE_ANSWER)
    def test_stay_out_of_every_failure_and_log(
        self, kind: str, stub: Stub, client: SdkMetaAds, caplog: pytest.LogCaptureFixture
    ) -> None:
        stub.answers(NO_USABLE_ANSWER[kind])

        with caplog.at_level(logging.DEBUG), pytest.raises(MetaError) as caught:
            client.read(ObjectKind.AD, OBJECT, ["name"])

        assert_nothing_shown(caught.value, client, caplog.text)

    def test_stay_out_of_the_words_of_meta(
        self, stub: Stub, client: SdkMetaAds, caplog: pytest.LogCaptureFixture
    ) -> None:
        words = f"Malformed access token {TOKEN}"
        stub.answers(fails(190, 467, status=401, message=words, error_user_msg=words, fbtrace_id=TOKEN))

        with caplog.at_level(logging.DEBUG), pytest.raises(MetaAuthorisationError) as caught:
            client.update(OBJECT, NAMES)

        assert_nothing_shown(caught.value, client, caplog.text)

    def test_do_not_travel_in_the_address(self, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(says({"id": OBJECT}), says({"id": OBJECT}))

        client.create(ACT, ObjectKind.CAMPAIGN, NAMES)
        client.read(ObjectKind.CAMPAIGN, OBJECT, ["name"])

        assert not [
            one for one in stub.seen if TOKEN in one.path + one.body or APP_SECRET in one.path + one.body
        ]

    def test_are_sent_as_a_bearer_token_with_a_proof(self, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(says({"id": OBJECT}))

        client.read(ObjectKind.CAMPAIGN, OBJECT, ["name"])

        assert stub.seen[0].headers["Authorization"] == f"Bearer {TOKEN}"
        proof = hmac.new(APP_SECRET.encode(), TOKEN.encode(), hashlib.sha256).hexdigest()
        assert stub.seen[0].query["appsecret_proof"] == [proof]

    def test_do_not_show_in_their_own_repr(self) -> None:
        assert TOKEN not in repr(Credentials(TOKEN, "7", APP_SECRET))

    def test_ignore_a_netrc_that_would_replace_them(
        self, stub: Stub, client: SdkMetaAds, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
    ) -> None:
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login someone password else\n")
        monkeypatch.setenv("NETRC", str(netrc))
        stub.answers(says({"id": OBJECT}))

        client.read(ObjectKind.CAMPAIGN, OBJECT, ["name"])

        assert stub.seen[0].headers["Authorization"] == f"Bearer {TOKEN}"


def assert_nothing_shown(error: MetaError, client: SdkMetaAds, logged: str) -> None:
    """Look for the token, the secret and the proof wherever an exception can carry them."""
    assert error.__cause__ is None
    assert error.__context__ is None
    assert error.__traceback__ is not None
    # The outermost frame is the test's own, which knows the secrets.
    inner = error.__traceback__.tb_next
    frames = traceback.TracebackException(type(error), error, inner, capture_locals=True)
    texts = ["".join(frames.format()), repr(error), repr(error.facts), error.user_message, logged]
    proof = client._session.appsecret_proof
    shown = [text for text in texts for secret in (TOKEN, APP_SECRET, proof) if secret in text]
    assert shown == []


def page(stub: Stub, rows: Sequence[Mapping[str, Any]], after: str | None = None, host: str = "") -> Answer:
    address = f"{host or stub.url}/v26.0/act_42/ads?access_token={TOKEN}&after={after}"
    paging = {"cursors": {"before": "b", "after": after or "end"}}
    return says({"data": rows, "paging": paging if after is None else {**paging, "next": address}})


class TestPaging:
    def test_goes_on_over_an_empty_page(self, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(
            page(stub, [{"id": "1", "name": "x [ap]"}], after="one"),
            page(stub, [], after="two"),
            page(stub, [{"id": "2", "name": "y [ap]"}]),
        )

        found = client.find(ACT, ObjectKind.AD, "[ap]", ["status"])

        assert [row["id"] for row in found] == ["1", "2"]

    def test_asks_our_own_host_with_the_cursor(self, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(page(stub, [], after="one"), page(stub, []))

        client.find(ACT, ObjectKind.AD, "[ap]", [])

        assert [one.query.get("after") for one in stub.seen] == [None, ["one"]]

    def test_refuses_a_next_page_at_another_host(self, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(page(stub, [{"id": "1", "name": "[ap]"}], after="one", host="http://evil.example"))

        with pytest.raises(MetaTransientError, match=r"evil\.example"):
            client.find(ACT, ObjectKind.AD, "[ap]", [])

    def test_notices_pages_in_a_circle(self, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(page(stub, [], after="one"), page(stub, [], after="one"))

        with pytest.raises(MetaTransientError, match="circles"):
            client.find(ACT, ObjectKind.AD, "[ap]", [])

    def test_that_breaks_in_the_middle_is_an_error_not_a_short_list(
        self, stub: Stub, client: SdkMetaAds
    ) -> None:
        stub.answers(page(stub, [{"id": "1", "name": "[ap]"}], after="one"), says(HTML, 502))

        with pytest.raises(MetaTransientError):
            client.find(ACT, ObjectKind.AD, "[ap]", [])

    def test_counts_an_object_that_moved_between_pages_once(self, stub: Stub, client: SdkMetaAds) -> None:
        row = {"id": "1", "name": "[ap]"}
        stub.answers(page(stub, [row], after="one"), page(stub, [row]))

        assert len(client.find(ACT, ObjectKind.AD, "[ap]", [])) == 1

    def test_a_page_without_rows_is_not_an_empty_one(self, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(says({"id": "1"}))

        with pytest.raises(MetaTransientError):
            client.find(ACT, ObjectKind.AD, "[ap]", [])


class TestFinding:
    def test_compares_the_names_itself(self, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(
            page(stub, [{"id": "1", "name": "[AP-1]"}, {"id": "2", "name": "x [ap-1]"}, {"id": "3"}])
        )

        assert [row["id"] for row in client.find(ACT, ObjectKind.AD, "[ap-1]", [])] == ["2"]

    def test_lets_meta_filter_by_name_and_by_no_status(self, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(page(stub, []))

        client.find(ACT, ObjectKind.CAMPAIGN, "[ap-1]", ["status"])

        assert json.loads(stub.seen[0].query["filtering"][0]) == [
            {"field": "name", "operator": "CONTAIN", "value": "[ap-1]"}
        ]
        assert "effective_status" not in stub.seen[0].query


def used(percent: float, wait_minutes: float = 0) -> dict[str, str]:
    case = {"type": "ads_management", "call_count": percent, "estimated_time_to_regain_access": wait_minutes}
    return {"X-Business-Use-Case-Usage": json.dumps({"42": [case]})}


class TestPacing:
    def test_holds_calls_back_near_the_limit(self, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(says({"id": OBJECT}, headers=used(96, wait_minutes=7)))
        client.create(ACT, ObjectKind.CAMPAIGN, NAMES)

        with pytest.raises(MetaHeldBackError) as caught:
            client.create(ACT, ObjectKind.AD_SET, NAMES)

        assert caught.value.retry_at == NOON + timedelta(minutes=7)
        assert len(stub.seen) == 1

    def test_holds_back_reads_of_an_object_of_the_account(self, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(says({"id": OBJECT}, headers=used(96)))
        client.create(ACT, ObjectKind.CAMPAIGN, NAMES)

        with pytest.raises(MetaHeldBackError):
            client.read(ObjectKind.CAMPAIGN, OBJECT, ["status"])

    @pytest.mark.parametrize("stop", ["pause", "delete"])
    def test_never_holds_back_what_stops_delivery(self, stop: str, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(says({"id": OBJECT}, headers=used(96)), says({"success": True}))
        client.create(ACT, ObjectKind.CAMPAIGN, NAMES)

        if stop == "pause":
            client.update(OBJECT, {"status": "PAUSED"})
        else:
            client.delete(OBJECT)

        assert len(stub.seen) == 2

    def test_does_not_spoil_a_good_answer_when_the_clock_is_broken(
        self, stub: Stub, client: SdkMetaAds, clock: HandClock
    ) -> None:
        clock.broken = True
        stub.answers(says({"id": OBJECT}, headers=used(96)))

        assert client.create(ACT, ObjectKind.CAMPAIGN, NAMES) == OBJECT

    def test_tells_the_last_usage_of_an_account(self, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(says({"id": OBJECT}, headers=used(31)))
        client.create(ACT, ObjectKind.CAMPAIGN, NAMES)

        usage = client.last_usage(ACT)

        assert usage is not None
        assert usage.percents == {"ads_management.call_count": 31.0}


ACCOUNT = {
    "id": "act_42",
    "name": "Shop",
    "account_status": 1,
    "currency": "EUR",
    "timezone_name": "America/Los_Angeles",
    "min_campaign_group_spend_cap": "10000",
}


class TestInsights:
    def test_ask_for_the_days_of_the_account(self, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(says(ACCOUNT), page(stub, [{"adset_id": "9", "spend": "1.00"}]))

        client.ad_sets(ACT, [MetaId("9")], datetime(2026, 11, 22, 7, 59, tzinfo=UTC), NOON)

        days = json.loads(stub.seen[1].query["time_range"][0])
        assert days == {"since": "2026-11-21", "until": "2026-11-22"}

    def test_read_the_account_only_once(self, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(says(ACCOUNT), page(stub, []), page(stub, []))

        client.ad_sets(ACT, [MetaId("9")], NOON, NOON)
        client.ad_sets(ACT, [MetaId("9")], NOON, NOON)

        assert [urlsplit(one.path).path.rsplit("/", 1)[1] for one in stub.seen] == [
            "act_42",
            "insights",
            "insights",
        ]

    def test_of_no_ad_set_ask_nothing(self, stub: Stub, client: SdkMetaAds) -> None:
        assert client.ad_sets(ACT, [], NOON, NOON) == ()
        assert stub.seen == []

    def test_of_an_account_in_an_unknown_time_zone_are_refused(self, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(says({**ACCOUNT, "timezone_name": "Mars/Olympus"}))

        with pytest.raises(MetaTransientError, match="Mars/Olympus"):
            client.ad_sets(ACT, [MetaId("9")], NOON, NOON)
