"""An answer that cannot be understood is told in words, whatever it holds."""

import pytest

from autopublisher.adapters.meta.session import Credentials, GraphTransport
from autopublisher.messages import LANGUAGES, error_text


@pytest.mark.parametrize("verb", ["GET", "POST"])
@pytest.mark.parametrize("body", ['{"error": "Service temporarily unavailable"}', "<html>", "[]"])
def test_no_code_of_ours_is_shown(verb: str, body: str) -> None:
    transport = GraphTransport(
        Credentials("t", "", ""), frozenset(), lambda _path, _headers, failure: failure
    )
    error = transport._failure(verb, 500, body)
    assert error is not None
    told = {error_text(error, language) for language in LANGUAGES}
    assert len(told) == 2
    assert not any("meta_fault" in one for one in told)
