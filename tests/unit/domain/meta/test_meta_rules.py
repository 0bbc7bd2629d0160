"""What Meta's errors, usage headers and secrets mean."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopublisher.domain.errors import (
    MetaAuthorisationError,
    MetaError,
    MetaHumanNeededError,
    MetaNotFoundError,
    MetaOutcomeUnknownError,
    MetaRefusedError,
    MetaThrottledError,
    MetaTooMuchDataError,
    MetaTransientError,
)
from autopublisher.domain.meta.rules import (
    HIDDEN,
    LONGEST_PACE,
    SCORE_DECAY,
    Usage,
    classify,
    pause_seconds,
    read_usage,
    redact,
    throttle_seconds,
)


def error(code: Any, subcode: Any = None, **more: Any) -> dict[str, Any]:
    return {"error": {"message": "m", "code": code, "error_subcode": subcode, **more}}


class TestClassify:
    @pytest.mark.parametrize("code", [4, 17, 32, 341, 613, 80000, 80004, 80014])
    def test_a_limit_is_throttling(self, code: int) -> None:
        assert type(classify(400, error(code))) is MetaThrottledError

    @pytest.mark.parametrize("code", [4, 17, 80004])
    def test_a_limit_is_throttling_even_when_called_transient(self, code: int) -> None:
        assert type(classify(400, error(code, is_transient=True))) is MetaThrottledError

    @pytest.mark.parametrize("code", [1, 2, 960, 1150])
    def test_metas_own_trouble_passes(self, code: int) -> None:
        assert type(classify(400, error(code))) is MetaTransientError

    @pytest.mark.parametrize("numbers", [(100, 1487390), (-2, 2490547)])
    def test_a_passing_fault_is_known_by_its_subcode(self, numbers: tuple[int, int]) -> None:
        assert type(classify(400, error(*numbers))) is MetaTransientError

    @pytest.mark.parametrize("code", [1, 100])
    def test_too_much_data_is_known_by_its_words(self, code: int) -> None:
        body = {"error": {"message": "Please reduce the amount of data you're asking for", "code": code}}

        assert type(classify(400, body)) is MetaTooMuchDataError

    @pytest.mark.parametrize("numbers", [(-3, 1504045), (100, 1487534)])
    def test_too_much_data_is_known_by_its_subcode(self, numbers: tuple[int, int]) -> None:
        assert type(classify(400, error(*numbers))) is MetaTooMuchDataError

    def test_a_wrong_report_is_refused_though_its_code_passes(self) -> None:
        assert type(classify(400, error(2, 1504041))) is MetaRefusedError

    @pytest.mark.parametrize("code", [3, 10, 102, 104, 190, 200, 270, 294, 299])
    def test_credentials_are_authorisation(self, code: int) -> None:
        assert type(classify(403, error(code))) is MetaAuthorisationError

    @pytest.mark.parametrize("numbers", [(368, None), (31, 3858385), (1404163, None), (100, 1404163)])
    def test_a_block_needs_a_human(self, numbers: tuple[int, int | None]) -> None:
        assert type(classify(400, error(*numbers))) is MetaHumanNeededError

    @pytest.mark.parametrize("numbers", [(100, 33), (803, None)])
    def test_an_object_out_of_sight_is_not_found(self, numbers: tuple[int, int | None]) -> None:
        assert type(classify(400, error(*numbers))) is MetaNotFoundError

    @pytest.mark.parametrize("numbers", [(100, None), (100, 1885272), (194, None), (2635, None), (506, None)])
    def test_a_wrong_call_is_refused(self, numbers: tuple[int, int | None]) -> None:
        assert type(classify(400, error(*numbers))) is MetaRefusedError

    @pytest.mark.parametrize("number", [1885272, 1487632, 3858385, 1487390])
    def test_a_number_means_the_same_as_code_and_as_subcode(self, number: int) -> None:
        assert type(classify(400, error(number))) is type(classify(400, error(100, number)))

    def test_a_server_error_passes_whatever_its_code(self) -> None:
        assert type(classify(500, error(100))) is MetaTransientError

    def test_an_expired_token_stays_one_under_a_server_error(self) -> None:
        assert type(classify(500, error(190))) is MetaAuthorisationError

    @pytest.mark.parametrize("body", [None, {}, {"error": "x"}, {"error": {}}, error("many"), error(None)])
    def test_what_cannot_be_read_leaves_the_outcome_open(self, body: Any) -> None:
        assert type(classify(502, body)) is MetaOutcomeUnknownError

    def test_numbers_may_be_texts(self) -> None:
        found = classify(400, error("100", "33"))

        assert (found.code, found.subcode) == (100, 33)

    def test_the_user_message_joins_title_and_text(self) -> None:
        found = classify(400, error(100, 1, error_user_title="Too low", error_user_msg="Raise it."))

        assert found.user_message == "Too low: Raise it."

    @given(
        status=st.integers(100, 599),
        code=st.integers(-5, 90000),
        subcode=st.none() | st.integers(0, 6_000_000),
    )
    def test_every_error_has_a_class(self, status: int, code: int, subcode: int | None) -> None:
        assert isinstance(classify(status, error(code, subcode)), MetaError)


class TestReadUsage:
    def test_reads_every_meter(self) -> None:
        headers = {
            "x-app-usage": json.dumps({"call_count": 10, "total_time": 20, "total_cputime": 5}),
            "X-Ad-Account-Usage": json.dumps({"acc_id_util_pct": 9.67, "reset_time_duration": 100}),
            "X-Business-Use-Case-Usage": json.dumps({"42": [{"type": "ads_insights", "total_time": 61}]}),
            "X-FB-Ads-Insights-Throttle": json.dumps({"app_id_util_pct": 1, "acc_id_util_pct": 30}),
        }

        assert read_usage(headers).percents == {
            "app.call_count": 10,
            "app.total_time": 20,
            "app.total_cputime": 5,
            "account": 9.67,
            "ads_insights.total_time": 61,
            "insights.app_id_util_pct": 1,
            "insights.acc_id_util_pct": 30,
        }

    def test_takes_the_longest_block_in_seconds(self) -> None:
        cases = [{"estimated_time_to_regain_access": 3}, {"estimated_time_to_regain_access": 19}]

        usage = read_usage({"X-Business-Use-Case-Usage": json.dumps({"42": cases})})

        assert usage.regain_seconds == 19 * 60

    def test_takes_an_exhausted_accounts_reset_in_seconds(self) -> None:
        header = json.dumps({"acc_id_util_pct": 100, "reset_time_duration": 120})

        assert read_usage({"X-Ad-Account-Usage": header}).regain_seconds == 120

    def test_does_not_wait_for_the_reset_of_an_account_that_is_not_exhausted(self) -> None:
        header = json.dumps({"acc_id_util_pct": 20, "reset_time_duration": 120})

        assert read_usage({"X-Ad-Account-Usage": header}).regain_seconds == 0

    def test_names_tier_and_account(self) -> None:
        case = {"type": "ads_management", "ads_api_access_tier": "development_access"}

        usage = read_usage({"X-Business-Use-Case-Usage": json.dumps({"42": [case]})})

        assert (usage.tier, usage.business_ids) == ("development_access", frozenset({"42"}))

    @pytest.mark.parametrize(
        "text", ["", "null", "[1]", "{", '{"call_count": "much"}', '{"42": [3]}', '{"42": 3}']
    )
    @pytest.mark.parametrize("name", ["X-App-Usage", "X-Ad-Account-Usage", "X-Business-Use-Case-Usage"])
    def test_an_unreadable_header_asks_for_no_pause(self, name: str, text: str) -> None:
        assert pause_seconds(read_usage({name: text})) == 0


class TestPause:
    @pytest.mark.parametrize("percent", [0, 50, 75])
    def test_is_nothing_while_there_is_room(self, percent: float) -> None:
        assert pause_seconds(Usage({"account": percent})) == 0

    def test_grows_with_the_square_of_the_way_to_the_stop(self) -> None:
        assert pause_seconds(Usage({"account": 85})) == LONGEST_PACE / 4

    def test_at_the_stop_is_the_decay_of_the_score(self) -> None:
        assert pause_seconds(Usage({"account": 95})) == SCORE_DECAY

    def test_is_metas_own_time_where_it_names_one(self) -> None:
        assert pause_seconds(Usage({"account": 100}, regain_seconds=840)) == 840

    def test_follows_the_fullest_meter(self) -> None:
        assert pause_seconds(Usage({"a": 10, "b": 96})) == SCORE_DECAY

    @given(st.floats(0, 200), st.floats(0, 200))
    def test_never_shrinks_as_usage_grows(self, one: float, other: float) -> None:
        less, more = sorted((one, other))

        assert pause_seconds(Usage({"account": less})) <= pause_seconds(Usage({"account": more}))

    @pytest.mark.parametrize(("subcode", "seconds"), [(5044001, 5), (1487632, 900), (None, SCORE_DECAY)])
    def test_after_throttling_depends_on_its_kind(self, subcode: int | None, seconds: float) -> None:
        assert throttle_seconds(MetaThrottledError("m", code=613, subcode=subcode), Usage()) == seconds

    def test_after_throttling_is_never_less_than_usage_asks_for(self) -> None:
        usage = Usage({"account": 100}, regain_seconds=3600)

        assert throttle_seconds(MetaThrottledError("m", code=613, subcode=5044001), usage) == 3600


class TestRedact:
    @pytest.mark.parametrize(
        "text",
        [
            "GET /me?access_token=SECRET&limit=1",
            "GET /me?limit=1&appsecret_proof=SECRET",
            '{"access_token": "SECRET", "x": 1}',
            "{'access_token': 'SECRET'}",
            "next=https%3A%2F%2Fgraph%2Fme%3Faccess_token%3DSECRET",
            "client_secret=SECRET",
            "Authorization: Bearer SECRET",
        ],
    )
    def test_hides_what_is_a_credential_by_its_name(self, text: str) -> None:
        assert "SECRET" not in redact(text)

    def test_keeps_the_rest_of_an_address(self) -> None:
        assert redact("/me?access_token=SECRET&limit=1") == f"/me?access_token={HIDDEN}&limit=1"

    @given(st.text(), st.text(min_size=1), st.text())
    def test_hides_a_given_secret_anywhere(self, before: str, secret: str, after: str) -> None:
        kept = redact(before + secret + after, [secret])

        assert secret not in kept.replace(HIDDEN, "")

    def test_hides_the_longer_of_two_secrets_whole(self) -> None:
        assert redact("abcdef", ["abc", "abcdef"]) == HIDDEN

    def test_an_empty_secret_hides_nothing(self) -> None:
        assert redact("plain", [""]) == "plain"
