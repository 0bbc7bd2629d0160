"""Messages about a run: in its log, of what it waits for, why it ended, and what it goes on without."""

from dataclasses import replace

from autopublisher.domain.messages import LEGACY, Code, Message


class RunMessage(Code):
    """The lines of a run's log, and what it waits for."""

    SUBMITTED = "run.submitted"
    ADMITTED = "run.admitted"
    REFUSED_AT_ADMISSION = "run.refused_at_admission"
    FIELD_REFUSED = "run.field_refused"
    TEST_STARTED = "run.test_started"
    POSTPONED = "run.postponed"
    DELIVERY_STARTED = "run.delivery_started"
    TEST_OVER_UNREAD = "run.test_over_unread"
    TEST_OVER = "run.test_over"
    TEST_GOES_ON = "run.test_goes_on"
    TEST_CANNOT_GO_ON = "run.test_cannot_go_on"
    TEST_DECIDED = "run.test_decided"
    TEST_DECIDED_BY_MONEY = "run.test_decided_by_money"
    TEST_STOPPED = "run.test_stopped"
    EDITED = "run.edited"
    JUDGED = "run.judged"
    WINNER_SELECTED = "run.winner_selected"
    NO_WINNER = "run.no_winner"
    ASKS_FOR_WINNER = "run.asks_for_winner"
    ASKS_FOR_BEST_BET = "run.asks_for_best_bet"
    ASKS_FOR_MONEY_BET = "run.asks_for_money_bet"
    BET_FOLLOWED = "run.bet_followed"
    BET_NEEDS_PERSON = "run.bet_needs_person"
    ASKS_WITHOUT_WINNER = "run.asks_without_winner"
    ASKS_TO_KEEP_ALL = "run.asks_to_keep_all"
    APPROVED = "run.approved"
    APPROVED_BECAUSE = "run.approved_because"
    APPROVED_UNPROVEN = "run.approved_unproven"
    APPROVED_UNPROVEN_BECAUSE = "run.approved_unproven_because"
    OVERRIDDEN = "run.overridden"
    KEPT_ALL = "run.kept_all"
    KEPT_ALL_BECAUSE = "run.kept_all_because"
    KEPT_ALL_OVERRIDING = "run.kept_all_overriding"
    APPROVAL_EXPIRED = "run.approval_expired"
    ADOPT_ASKED = "run.adopt_asked"
    ADOPTED = "run.adopted"
    ADOPT_REFUSED = "run.adopt_refused"
    STOPPED = "run.stopped"
    RESUMED = "run.resumed"
    REACTIVATED = "run.reactivated"
    NOT_ON_YET = "run.not_on_yet"
    LEFT_PAUSED = "run.left_paused"
    NOT_SET_ASIDE = "run.not_set_aside"
    TIME_IS_OVER = "run.time_is_over"
    NOTHING_PUBLISHED = "run.nothing_published"
    STOPS_WITHOUT_WINNER = "run.stops_without_winner"
    SCALED_LIFETIME = "run.scaled_lifetime"
    SCALED_DAILY = "run.scaled_daily"
    STUDY_LEFT = "run.study_left"
    STUDY_UNREAD = "run.study_unread"
    NO_STUDY = "run.no_study"
    STUDY_TOO_SHORT = "run.study_too_short"
    STUDY_UNSEEN = "run.study_unseen"
    DIVIDED = "run.divided"
    REALLOCATION_PLANNED = "run.reallocation_planned"
    REALLOCATED = "run.reallocated"
    COMPLETED = "run.completed"
    COMPLETED_IN_PLACE = "run.completed_in_place"
    COMPLETED_KEEP_ALL = "run.completed_keep_all"
    ENDED = "run.ended"
    AS_ASKED = "run.as_asked"
    FAILING = "run.failing"
    STUCK = "run.stuck"
    AGAIN = "run.again"
    LIFTED = "run.lifted"
    TICK_DIED = "run.tick_died"
    CAMPAIGN_IN_REVIEW = "run.campaign_in_review"
    CAMPAIGN_PAUSED = "run.campaign_paused"
    CAMPAIGN_OVER = "run.campaign_over"
    CAMPAIGN_SETTLED = "run.campaign_settled"
    DELIVERED_AGAIN = "run.delivered_again"
    FINAL_OVER = "run.final_over"
    FINAL_REFUSED_LATER = "run.final_refused_later"
    FINAL_REFUSED = "run.final_refused"
    FINAL_IN_REVIEW = "run.final_in_review"
    ADS_IN_REVIEW = "run.ads_in_review"
    WAITS_ITS_TURN = "run.waits_its_turn"
    BOOKS_CURRENCY = "run.books_currency"
    BOOKS_ZONE = "run.books_zone"
    BOOKS_CHANGED = "run.books_changed"
    BOOKS_CURRENCY_BACK = "run.books_currency_back"
    BOOKS_ZONE_BACK = "run.books_zone_back"
    NOTES = "run.notes"
    ACCOUNT_STOPPED = "run.account_stopped"
    ADS_NOT_DELIVERED = "run.ads_not_delivered"

    WRITE_REFUSED = "run.write_refused"
    ADS_BLOCKED = "run.ads_blocked"
    ADS_REVIEW_TOO_LONG = "run.ads_review_too_long"
    FINAL_REVIEW_TOO_LONG = "run.final_review_too_long"
    FINAL_GONE = "run.final_gone"
    FINAL_GIVEN_UP = "run.final_given_up"
    UNREAD = "run.unread"
    UNPROVED = "run.unproved"
    ERROR_WITH_REMEDY = "run.error_with_remedy"
    OTHERWISE_AT_META = "run.otherwise_at_meta"
    NO_SCHEDULE = "run.no_schedule"
    NO_DECISION = "run.no_decision"
    NO_WINNER_OR_BUDGET = "run.no_winner_or_budget"
    ACCOUNT_CANNOT_DELIVER = "run.account_cannot_deliver"
    BOOKS_UNCOUNTED = "run.books_uncounted"
    FREED = "run.freed"
    DUPLICATE_FIGURES_MISSING = "run.duplicate_figures_missing"
    DUPLICATE_WAS_ON = "run.duplicate_was_on"
    ARM_WAS_ON = "run.arm_was_on"
    NOT_SHOWN_PUBLISHED = "run.not_shown_published"
    OBJECT_IS = "run.object_is"
    MAY_LAND = "run.may_land"
    STILL_ACTIVE = "run.still_active"
    UNHEALTHY_GOES_ON = "run.unhealthy_goes_on"
    FIGURES_SET_ASIDE = "run.figures_set_aside"
    VARIANT_REMARK = "run.variant_remark"
    ARM_BUDGET = "run.arm_budget"
    ARM_MOVES = "run.arm_moves"
    FINAL_HELD_UP = "run.final_held_up"
    HELD = "run.held"
    HELD_OFF = "run.held_off"
    OLDER = "run.older"
    IS_OLDER = "run.is_older"
    DELETED_AWAITED = "run.deleted_awaited"
    DELETED_LEAVES = "run.deleted_leaves"
    HELD_UNADOPTED = "run.held_unadopted"


class RunWarning(Code):
    """The warnings that come after a run's request was accepted."""

    LATE = "warning.late"
    WITHOUT_RULE = "warning.without_rule"
    WITHOUT_STUDY = "warning.without_study"
    STUDY_LOST = "warning.study_lost"
    DELETED_SPEND = "warning.deleted_spend"
    HELD_BY_STOP = "warning.held_by_stop"


class Adoption(Code):
    """Why what Meta holds of a run is not adopted."""

    NOTHING_WAITS = "adoption.nothing_waits"
    MORE_FOUND = "adoption.more_found"
    SPEND_UNREAD = "adoption.spend_unread"
    COULD_SPEND = "adoption.could_spend"
    CHANGED = "adoption.changed"
    NOT_WHOLE = "adoption.not_whole"
    WINNER_UNTOLD = "adoption.winner_untold"


HELD = frozenset({RunMessage.HELD, RunMessage.HELD_OFF, RunMessage.HELD_UNADOPTED, RunMessage.OLDER})
"""What is said of a run of which Meta holds more than its journal."""


class RunEnd(Code):
    """Why a run ended, where a person had it end or did not speak in time."""

    CANCELLED = "run_end.cancelled"
    CANCELLED_BECAUSE = "run_end.cancelled_because"
    CANCEL_ASKED = "run_end.cancel_asked"
    CANCEL_ASKED_BECAUSE = "run_end.cancel_asked_because"
    REJECTED = "run_end.rejected"
    REJECTED_BECAUSE = "run_end.rejected_because"
    NOT_APPROVED = "run_end.not_approved"


_ASKED = {RunEnd.CANCELLED: RunEnd.CANCEL_ASKED, RunEnd.CANCELLED_BECAUSE: RunEnd.CANCEL_ASKED_BECAUSE}


def ended_by(plain: RunEnd, because: RunEnd, actor: str, reason: str) -> Message:
    """Return why a run ends by somebody's word, with their reason where they gave one."""
    return because(actor=actor, reason=reason) if reason else plain(actor=actor)


def as_asked(why: Message) -> Message:
    """Return the reason of a cancellation that is not done yet: it is only asked for."""
    for done, asked in _ASKED.items():
        if why.code == done:
            return replace(why, code=asked)
    if why.code == LEGACY:
        sentence = str(why.params["sentence"]).replace("cancelled by", "cancellation asked by", 1)
        return replace(why, params={"sentence": sentence})
    return why
