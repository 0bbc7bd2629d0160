"""Naming tokens: short enough to survive any title, unique enough to find one object and no other."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopublisher.domain.ids import RunId
from autopublisher.domain.journal.naming import NAME_LIMIT, naming_token, run_mark, token_in, tokenised

RUN_IDS = st.uuids().map(lambda one: RunId(str(one)))
PLACES = st.from_regex(r"(test\.[a-j]|final)\.(campaign|adset|creative|ad)", fullmatch=True)


@given(st.text(max_size=600), RUN_IDS, PLACES)
def test_the_token_survives_any_title(title: str, run_id: RunId, place: str) -> None:
    token = naming_token(run_id, place)
    name = tokenised(title, token)
    assert name.endswith(token)
    assert len(name) <= NAME_LIMIT


@given(st.text(alphabet=st.characters(exclude_characters="["), max_size=600), RUN_IDS, PLACES)
def test_the_token_is_found_back(title: str, run_id: RunId, place: str) -> None:
    token = naming_token(run_id, place)
    assert token_in(tokenised(title, token)) == token


@given(RUN_IDS, PLACES, RUN_IDS, PLACES)
def test_no_token_contains_another(run_id: RunId, place: str, other_id: RunId, other_place: str) -> None:
    one, other = naming_token(run_id, place), naming_token(other_id, other_place)
    assert (one in other) is (one == other)


@given(RUN_IDS, PLACES)
def test_every_token_of_a_run_carries_the_runs_mark(run_id: RunId, place: str) -> None:
    assert naming_token(run_id, place).startswith(run_mark(run_id))


def test_a_token_has_the_form_that_is_documented() -> None:
    run_id = RunId(str(UUID("0123abcd-4567-4890-abcd-ef0123456789")))
    assert naming_token(run_id, "A.AdSet") == "[ap-0123abcd45674890-a.adset]"


def test_a_title_that_fits_is_left_as_it_is() -> None:
    assert tokenised("Summer sale", "[ap-x]") == "Summer sale [ap-x]"


def test_a_name_without_a_token_has_none() -> None:
    assert token_in("Summer sale [ap-]") is None


@pytest.mark.parametrize("length", [300, 376, 377, 378, 379, 380, 400, 600])
def test_a_long_title_is_shortened_to_metas_limit_and_no_further(length: int) -> None:
    token = "[ap-0123abcd45674890]"
    name = tokenised("x" * length, token)
    assert name.endswith(f"x {token}")
    assert len(name) == min(NAME_LIMIT, length + 1 + len(token))
