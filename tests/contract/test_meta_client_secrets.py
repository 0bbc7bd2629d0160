"""No failure of the Meta client and no log shows the token, the secret or the proof."""

import hashlib
import hmac
import logging
import traceback
from typing import Any

import pytest

from autopublisher.adapters.meta.client import SdkMetaAds
from autopublisher.adapters.meta.session import Credentials
from autopublisher.domain.errors import MetaAuthorisationError, MetaError
from autopublisher.domain.journal.operations import ObjectKind
from support.graph_stub import ACT, APP_SECRET, NAMES, NO_USABLE_ANSWER, OBJECT, TOKEN, Stub, fails, says


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
