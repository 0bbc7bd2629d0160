"""Keys of the journal by their parts: what is stored is read back, whatever it is about."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopublisher.domain.journal.keys import OperationKey, Purpose, change_key, key_from, purpose_of

KINDS = ("campaign", "adset", "creative", "ad")
CHANGES = sorted(
    set(Purpose)
    - {Purpose.TEST, Purpose.FINAL, Purpose.IMAGE, Purpose.STUDY, Purpose.RULE, Purpose.UNPLACED}
    - {Purpose.ORPHAN, Purpose.LABEL, Purpose.DELETED_SPEND}
)

creates = st.one_of(
    st.builds(OperationKey, st.just(Purpose.TEST), st.sampled_from("abcdefghij"), st.sampled_from(KINDS)),
    st.builds(OperationKey, st.just(Purpose.FINAL), st.sampled_from(["", "b"]), st.sampled_from(KINDS)),
    st.builds(OperationKey, st.sampled_from([Purpose.IMAGE, Purpose.DELETED_SPEND]), st.uuids().map(str)),
    st.builds(OperationKey, st.just(Purpose.STUDY), st.integers(1, 9).map(str)),
    st.builds(
        OperationKey, st.sampled_from([Purpose.ORPHAN, Purpose.LABEL]), st.integers(1, 10**17).map(str)
    ),
)
keys = st.recursive(
    creates,
    lambda of: st.builds(
        lambda purpose, about, serial: OperationKey(purpose, of=about, serial=str(serial)),
        st.sampled_from(CHANGES),
        of,
        st.integers(1, 10**17),
    ),
    max_leaves=3,
)


@given(keys)
def test_a_key_is_read_as_it_was_written(key: OperationKey) -> None:
    assert key_from(key.text) == key
    assert purpose_of(key.text) is key.purpose


@pytest.mark.parametrize(
    ("text", "purpose", "letter"),
    [
        ("test/a/adset", Purpose.TEST, "A"),
        ("extend/test/b/adset/2", Purpose.EXTEND, "B"),
        ("stop/duplicate/test/c/ad/120/1", Purpose.STOP, "C"),
        ("final/adset", Purpose.FINAL, None),
        ("final/b/ad", Purpose.FINAL, None),
        ("rule/campaign", Purpose.RULE, None),
    ],
)
def test_a_key_says_what_it_is_for_and_whose_arm_it_concerns(
    text: str, purpose: Purpose, letter: str | None
) -> None:
    assert key_from(text).purpose is purpose
    assert key_from(text).root.letter == letter


def test_a_change_is_numbered_after_the_object_it_concerns() -> None:
    assert change_key(Purpose.PAUSE, "test/a/ad", 3) == "pause/test/a/ad/3"


def test_a_text_that_is_no_key_is_refused() -> None:
    with pytest.raises(ValueError, match="wish"):
        key_from("wish/test/a/ad")
