"""An answer that cannot be understood is told in words, whatever it holds."""

import pytest
import requests

from autopublisher.adapters.meta.session import Credentials, GraphTransport
from autopublisher.messages import LANGUAGES, error_text


@pytest.mark.parametrize("verb", ["GET", "POST"])
@pytest.mark.parametrize("body", [b'{"error": "Service temporarily unavailable"}', b"<html>", b"[]"])
def test_no_code_of_ours_is_shown(verb: str, body: bytes) -> None:
    transport = GraphTransport(
        Credentials("t", "", ""), frozenset(), lambda _path, _headers, failure: failure
    )
    response = requests.Response()
    response.status_code, response.encoding = 500, "utf-8"
    response._content = body
    error = transport._failure(verb, response)
    assert error is not None
    told = {error_text(error, language) for language in LANGUAGES}
    assert len(told) == 2
    assert not any("meta_fault" in one for one in told)
