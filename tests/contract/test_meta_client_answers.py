"""What the Meta client makes of every answer but a good one: doubt, or the error that it stands for."""

import socket
from collections.abc import Sequence
from datetime import timedelta

import pytest

from autopublisher.adapters.meta.client import SdkMetaAds
from autopublisher.adapters.meta.session import READ_SENDS, Credentials, Timeouts
from autopublisher.domain.errors import (
    MetaAuthorisationError,
    MetaError,
    MetaHumanNeededError,
    MetaNotFoundError,
    MetaOutcomeUnknownError,
    MetaReadError,
    MetaRefusedError,
    MetaThrottledError,
    MetaTransientError,
)
from autopublisher.domain.journal.operations import ObjectKind
from support.graph_stub import (
    ACT,
    NAMES,
    NO_USABLE_ANSWER,
    NOON,
    OBJECT,
    TOKEN,
    Answer,
    HandClock,
    Stub,
    fails,
    says,
)

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


class TestAPassingFault:
    def test_of_a_read_is_not_seen_where_it_passes_at_once(self, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(fails(2, status=500), NO_USABLE_ANSWER["HTML with 502"], says({"id": OBJECT, **NAMES}))

        assert client.read(ObjectKind.AD, OBJECT, ["name"]).name == NAMES["name"]

        assert len(stub.seen) == READ_SENDS

    @pytest.mark.parametrize(
        "answer", [fails(4), fails(100, 33), fails(1, message="Please reduce the amount of data")]
    )
    def test_is_the_only_thing_that_is_asked_again(
        self, answer: Answer, stub: Stub, client: SdkMetaAds
    ) -> None:
        stub.answers(answer)

        with pytest.raises(MetaError):
            client.read(ObjectKind.AD, OBJECT, ["name"])

        assert len(stub.seen) == 1

    def test_of_a_read_does_not_speak_of_a_write(self, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(*[fails(2, status=500, is_transient=True)] * READ_SENDS)

        with pytest.raises(MetaReadError) as caught:
            client.read(ObjectKind.AD, OBJECT, ["name"])

        assert "write" not in caught.value.message

    @pytest.mark.parametrize("message", ["Something", "Please reduce the amount of data"])
    def test_of_a_write_leaves_it_in_doubt(self, message: str, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(fails(2, status=500, message=message))

        with pytest.raises(MetaTransientError) as caught:
            client.update(OBJECT, NAMES)

        assert type(caught.value) is MetaTransientError


class TestAnAnswerNobodyCanUse:
    @pytest.mark.parametrize("kind", NO_USABLE_ANSWER)
    def test_leaves_a_create_in_doubt(self, kind: str, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(NO_USABLE_ANSWER[kind])

        with pytest.raises(MetaOutcomeUnknownError) as caught:
            client.create(ACT, ObjectKind.CAMPAIGN, NAMES)

        assert type(caught.value) is MetaOutcomeUnknownError

    @pytest.mark.parametrize("kind", NO_USABLE_ANSWER)
    def test_makes_a_read_worth_repeating(self, kind: str, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(*[NO_USABLE_ANSWER[kind]] * READ_SENDS)

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

    def test_a_server_that_is_gone_leaves_a_delete_in_doubt(self, hand_clock: HandClock) -> None:
        with socket.socket() as reserved:
            reserved.bind(("127.0.0.1", 0))
            base = f"http://127.0.0.1:{reserved.getsockname()[1]}"
            with (
                SdkMetaAds(Credentials(TOKEN), hand_clock, base, Timeouts(0.5, 0.5)) as client,
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
