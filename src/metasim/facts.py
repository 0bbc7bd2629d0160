"""Facts of the Marketing API that rules are checked against: objectives, goals, placements, currencies.

Meta's documentation as of November 2026; see docs/simulator.md for what is documented and what is practice.
"""

from dataclasses import dataclass


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


LIVE_VERSIONS = _words("v25.0 v26.0")
CURRENT_VERSION = "v26.0"
UPGRADABLE_VERSIONS = _words(
    "v24.0"
)  # expired, yet served by the next live version where the settings say so

# Meta's currency offsets: these count in whole units, all others in hundredths (not ISO 4217).
ONE_UNIT_CURRENCIES = frozenset(_words("CLP COP CRC HUF ISK IDR JPY KRW PYG TWD VND"))

# Rough worth of a dollar, for minima that are the same sums of money in every currency.
UNITS_PER_DOLLAR = {
    "CLP": 950,
    "COP": 4000,
    "CRC": 500,
    "HUF": 360,
    "ISK": 138,
    "IDR": 16_000,
    "JPY": 150,
    "KRW": 1400,
    "PYG": 7500,
    "TWD": 32,
    "VND": 25_000,
}

DELIVERABLE_ACCOUNT_STATUSES = frozenset({1, 8, 9})

CREATABLE_OBJECTIVES = _words(
    "OUTCOME_APP_PROMOTION OUTCOME_AWARENESS OUTCOME_ENGAGEMENT OUTCOME_LEADS OUTCOME_SALES OUTCOME_TRAFFIC"
)
LEGACY_OBJECTIVES = _words(
    """
    APP_INSTALLS BRAND_AWARENESS CONVERSIONS EVENT_RESPONSES LEAD_GENERATION LINK_CLICKS LOCAL_AWARENESS
    MESSAGES OFFER_CLAIMS PAGE_LIKES POST_ENGAGEMENT PRODUCT_CATALOG_SALES REACH STORE_VISITS VIDEO_VIEWS
    """
)
SPECIAL_CATEGORIES = _words(
    """
    NONE EMPLOYMENT HOUSING CREDIT ISSUES_ELECTIONS_POLITICS ONLINE_GAMBLING_AND_GAMING
    FINANCIAL_PRODUCTS_SERVICES
    """
)
PROMOTION_TYPES = _words("AUTOMATED_SHOPPING_ADS GUIDED_CREATION SMART_APP_PROMOTION")
BANNED_PROMOTIONS = frozenset(_words("AUTOMATED_SHOPPING_ADS SMART_APP_PROMOTION"))
AUDIENCE_FLAG_CATEGORIES = frozenset(_words("EMPLOYMENT HOUSING CREDIT FINANCIAL_PRODUCTS_SERVICES"))
BID_STRATEGIES = _words("LOWEST_COST_WITHOUT_CAP LOWEST_COST_WITH_BID_CAP COST_CAP LOWEST_COST_WITH_MIN_ROAS")
CAPPED_BIDS = frozenset(_words("LOWEST_COST_WITH_BID_CAP COST_CAP"))
CUSTOM_EVENTS = frozenset(
    _words(
        """
        AD_IMPRESSION RATE TUTORIAL_COMPLETION CONTACT CUSTOMIZE_PRODUCT DONATE FIND_LOCATION SCHEDULE
        START_TRIAL SUBMIT_APPLICATION SUBSCRIBE ADD_TO_CART ADD_TO_WISHLIST INITIATED_CHECKOUT
        ADD_PAYMENT_INFO PURCHASE LEAD COMPLETE_REGISTRATION CONTENT_VIEW SEARCH SERVICE_BOOKING_REQUEST
        MESSAGING_CONVERSATION_STARTED_7D LEVEL_ACHIEVED ACHIEVEMENT_UNLOCKED SPENT_CREDITS
        LISTING_INTERACTION D2_RETENTION D7_RETENTION OTHER
        """
    )
)

NO_SPEND_CAP = 922337203685478  # written to remove a campaign's spend cap
NAME_LIMIT = 400
DSA_LIMIT = 512
LINK_LIMIT = 1000
LABELS_PER_OBJECT = 50
BUDGET_EDITS_PER_HOUR = 4
SPEND_LIMIT_CHANGES_PER_DAY = 10
FEED_LIMITS = {"images": 10, "videos": 10, "titles": 5, "bodies": 5, "descriptions": 5, "link_urls": 5}
INSIGHTS_MONTHS = 37

EU_COUNTRIES = frozenset(
    _words("AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE")
)

COUNTRIES = frozenset(
    _words(
        """
        AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS
        BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE
        EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM
        HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC
        LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA
        NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW
        SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO
        TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW
        """
    )
)  # ISO 3166-1 and Kosovo

CLOSED_COUNTRIES = frozenset(_words("CU IR KP RU SY"))  # sanctioned, or closed to ads by Meta

PLACEMENTS = {
    "publisher_platforms": _words("facebook instagram threads messenger audience_network whatsapp"),
    "facebook_positions": _words(
        """
        feed right_hand_column marketplace story search instream_video facebook_reels facebook_reels_overlay
        profile_feed notification
        """
    ),
    "instagram_positions": _words("stream story explore_home reels profile_feed ig_search profile_reels"),
    "threads_positions": _words("threads_stream"),
    "audience_network_positions": _words("classic rewarded_video"),
    "messenger_positions": _words("sponsored_messages story"),
    "whatsapp_positions": _words("status"),
    "device_platforms": _words("mobile desktop"),
}
FEED_COMPANIONS = frozenset(_words("marketplace search profile_feed notification"))


@dataclass(frozen=True)
class GoalRow:
    """Which goals an objective allows for a destination, and what must be promoted (any one of the sets)."""

    objective: str
    destination: str | None  # None also stands for website, app and undefined
    goals: tuple[str, ...]
    promoted: tuple[tuple[str, ...], ...] = ((),)


PIXEL_EVENT = ("pixel_id", "custom_event_type")
APP = ("application_id", "object_store_url")
CUSTOM = ("custom_conversion_id",)
PAGE = (("page_id",),)

GOAL_ROWS = (
    GoalRow(
        "OUTCOME_AWARENESS",
        None,
        _words("REACH AD_RECALL_LIFT IMPRESSIONS THRUPLAY TWO_SECOND_CONTINUOUS_VIDEO_VIEWS"),
        PAGE,
    ),
    GoalRow("OUTCOME_TRAFFIC", None, _words("LINK_CLICKS REACH"), ((), APP)),
    GoalRow("OUTCOME_TRAFFIC", None, _words("LANDING_PAGE_VIEWS IMPRESSIONS")),
    GoalRow("OUTCOME_TRAFFIC", "MESSENGER", _words("LINK_CLICKS REACH IMPRESSIONS")),
    GoalRow("OUTCOME_TRAFFIC", "WHATSAPP", _words("LINK_CLICKS REACH IMPRESSIONS"), PAGE),
    GoalRow("OUTCOME_TRAFFIC", "PHONE_CALL", _words("QUALITY_CALL LINK_CLICKS")),
    GoalRow("OUTCOME_ENGAGEMENT", "ON_POST", _words("POST_ENGAGEMENT REACH")),
    GoalRow("OUTCOME_ENGAGEMENT", "ON_PAGE", _words("PAGE_LIKES"), PAGE),
    GoalRow("OUTCOME_ENGAGEMENT", "ON_EVENT", _words("EVENT_RESPONSES POST_ENGAGEMENT REACH IMPRESSIONS")),
    GoalRow("OUTCOME_ENGAGEMENT", "ON_VIDEO", _words("THRUPLAY TWO_SECOND_CONTINUOUS_VIDEO_VIEWS")),
    GoalRow("OUTCOME_ENGAGEMENT", "MESSENGER", _words("CONVERSATIONS LINK_CLICKS"), PAGE),
    GoalRow(
        "OUTCOME_ENGAGEMENT",
        None,
        _words("OFFSITE_CONVERSIONS LINK_CLICKS REACH"),
        (PIXEL_EVENT, CUSTOM, APP),
    ),
    GoalRow("OUTCOME_ENGAGEMENT", None, _words("LANDING_PAGE_VIEWS IMPRESSIONS"), (PIXEL_EVENT, CUSTOM)),
    GoalRow("OUTCOME_LEADS", "ON_AD", _words("LEAD_GENERATION QUALITY_LEAD"), PAGE),
    GoalRow("OUTCOME_LEADS", "LEAD_FROM_MESSENGER", _words("LEAD_GENERATION"), PAGE),
    GoalRow("OUTCOME_LEADS", "LEAD_FROM_IG_DIRECT", _words("LEAD_GENERATION"), PAGE),
    GoalRow("OUTCOME_LEADS", "PHONE_CALL", _words("QUALITY_CALL"), PAGE),
    GoalRow(
        "OUTCOME_LEADS", None, _words("OFFSITE_CONVERSIONS LINK_CLICKS REACH"), (PIXEL_EVENT, CUSTOM, APP)
    ),
    GoalRow("OUTCOME_LEADS", None, _words("LANDING_PAGE_VIEWS IMPRESSIONS"), (PIXEL_EVENT, CUSTOM)),
    GoalRow(
        "OUTCOME_APP_PROMOTION",
        None,
        _words(
            "APP_INSTALLS OFFSITE_CONVERSIONS LINK_CLICKS VALUE REACH APP_INSTALLS_AND_OFFSITE_CONVERSIONS"
        ),
        (APP,),
    ),
    GoalRow(
        "OUTCOME_SALES",
        None,
        _words("OFFSITE_CONVERSIONS"),
        (PIXEL_EVENT, CUSTOM, (*APP, "custom_event_type")),
    ),
    GoalRow("OUTCOME_SALES", "MESSENGER", _words("CONVERSATIONS"), (("page_id", *PIXEL_EVENT),)),
    GoalRow("OUTCOME_SALES", "PHONE_CALL", _words("QUALITY_CALL"), PAGE),
    GoalRow(
        "OUTCOME_SALES",
        None,
        _words("VALUE LANDING_PAGE_VIEWS LINK_CLICKS IMPRESSIONS REACH POST_ENGAGEMENT"),
        (PIXEL_EVENT, CUSTOM),
    ),
)
PLAIN_DESTINATIONS = frozenset({None, "", "UNDEFINED", "WEBSITE", "APP"})

BILLED_ON_THEMSELVES = frozenset(_words("LINK_CLICKS THRUPLAY TWO_SECOND_CONTINUOUS_VIDEO_VIEWS"))

IMPRESSION_GOALS = frozenset(_words("REACH IMPRESSIONS AD_RECALL_LIFT"))
VIDEO_GOALS = frozenset(_words("THRUPLAY TWO_SECOND_CONTINUOUS_VIDEO_VIEWS"))
CLICK_GOALS = frozenset(_words("LINK_CLICKS LANDING_PAGE_VIEWS POST_ENGAGEMENT PAGE_LIKES EVENT_RESPONSES"))

WEBSITE_GOALS = frozenset(_words("OFFSITE_CONVERSIONS VALUE"))
WEBSITE_WINDOWS = frozenset(
    {
        frozenset({("CLICK_THROUGH", 1)}),
        frozenset({("CLICK_THROUGH", 7)}),
        frozenset({("CLICK_THROUGH", 1), ("VIEW_THROUGH", 1)}),
        frozenset({("CLICK_THROUGH", 7), ("VIEW_THROUGH", 1)}),
        frozenset({("CLICK_THROUGH", 7), ("VIEW_THROUGH", 1), ("ENGAGED_VIDEO_VIEW", 1)}),
    }
)
APP_WINDOWS = frozenset(
    {
        frozenset({("CLICK_THROUGH", 1)}),
        frozenset({("CLICK_THROUGH", 1), ("ENGAGED_VIDEO_VIEW", 1)}),
        frozenset({("CLICK_THROUGH", 1), ("VIEW_THROUGH", 1)}),
        frozenset({("CLICK_THROUGH", 1), ("ENGAGED_VIDEO_VIEW", 1), ("VIEW_THROUGH", 1)}),
    }
)
OTHER_WINDOWS = frozenset({frozenset({("CLICK_THROUGH", 1)})})

CALLS_TO_ACTION = frozenset(
    _words(
        """
        ADD_TO_CART APPLY_NOW ASK_ABOUT_SERVICES ASK_A_QUESTION ASK_FOR_MORE_INFO ASK_US AUDIO_CALL
        BOOK_A_CONSULTATION BOOK_NOW BOOK_TRAVEL BROWSE_SHOP BUY BUY_ACTIVITY_TICKETS BUY_NOW BUY_TICKETS
        BUY_VIA_MESSAGE CALL CALL_ME CALL_NOW CHAT_NOW CHAT_WITH_US CONFIRM CONTACT CONTACT_US DONATE
        DONATE_NOW DOWNLOAD EVENT_RSVP FIND_A_GROUP FIND_OUT_MORE FIND_YOUR_GROUPS FOLLOW_NEWS_STORYLINE
        FOLLOW_PAGE FOLLOW_USER GET_A_QUOTE GET_DETAILS GET_DIRECTIONS GET_IN_TOUCH GET_OFFER GET_OFFER_VIEW
        GET_PROMOTIONS GET_QUOTE GET_SHOWTIMES GET_STARTED INQUIRE_NOW INSTALL_APP INSTALL_MOBILE_APP
        JOIN_CHANNEL JOIN_LIVE_VIDEO LEARN_MORE LIKE_PAGE LISTEN_MUSIC LISTEN_NOW MAKE_AN_APPOINTMENT
        MESSAGE_PAGE MOBILE_DOWNLOAD NO_BUTTON OPEN_INSTANT_APP OPEN_LINK ORDER_NOW PAY_TO_ACCESS PLAY_GAME
        PLAY_GAME_ON_FACEBOOK PURCHASE_GIFT_CARDS RAISE_MONEY RECORD_NOW REFER_FRIENDS REQUEST_TIME
        SAY_THANKS SEE_MORE SEE_SHOP SELL_NOW SEND_A_GIFT SEND_GIFT_MONEY SEND_UPDATES SHARE SHOP_NOW
        SHOP_WITH_AI SIGN_UP SOTTO_SUBSCRIBE START_A_CHAT START_ORDER STREAM_NOW SUBSCRIBE SWIPE_UP_PRODUCT
        SWIPE_UP_SHOP TRY_DEMO TRY_ON_WITH_AI UPDATE_APP USE_APP USE_MOBILE_APP VIDEO_ANNOTATION VIDEO_CALL
        VIEW_CART VIEW_CHANNEL VIEW_IN_CART VIEW_PRODUCT VISIT_PAGES_FEED VISIT_WEBSITE WATCH_LIVE_VIDEO
        WATCH_MORE WATCH_NOW WATCH_VIDEO WHATSAPP_MESSAGE WOODHENGE_SUPPORT
        """
    )
)
