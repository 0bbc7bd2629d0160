"""Action breakdowns of insights: by type always, and by what they were aimed at where that is asked for."""

from metasim.graph.errors import GraphError, not_one_of
from metasim.graph.metrics import EVENT_NAMES, OTHER_EVENT, Row
from metasim.graph.wire import Params
from metasim.state import Ad, AdSet, Creative
from metasim.world import World

KNOWN = frozenset(
    """
    action_canvas_component_name action_carousel_card_id action_carousel_card_name action_destination
    action_device action_reaction action_target_id action_type action_video_sound action_video_type
    conversion_destination is_business_ai_assisted matched_persona_id matched_persona_name signal_source_bucket
    standard_event_content_type
    """.split()  # noqa: SIM905 - a table
)
SERVED = frozenset({"action_type", "action_target_id", "action_destination"})
REPORT_TIMES = frozenset({"impression", "conversion", "mixed", "lifetime"})
CONVERSIONS = frozenset(name for names in (*EVENT_NAMES.values(), OTHER_EVENT) for name in names)


def read_action_breakdowns(params: Params) -> tuple[str, ...]:
    """Return what beside their type divides actions. Raises GraphError for what is unknown or not simulated.

    When actions are reported (`action_report_time`) is checked, and has no effect, as at Meta since June 2025.
    """
    params.choice("action_report_time", REPORT_TIMES)
    asked = params.words("action_breakdowns") or ["action_type"]
    for name in (*asked, *(params.words("summary_action_breakdowns") or ())):
        if name not in KNOWN:
            raise not_one_of("action_breakdowns", KNOWN)
        if name not in SERVED:
            raise GraphError(f"(#100) action_breakdowns: {name} is not available for this account", 100)
    if "action_type" not in asked:
        raise GraphError("(#100) action_breakdowns must contain action_type", 100)
    return tuple(name for name in asked if name != "action_type")


def aim(world: World, row: Row, ads: tuple[Ad, ...], names: tuple[str, ...]) -> Row:
    """Return a row whose actions say what they were aimed at: the pixel where they are conversions, the page otherwise."""
    if not names or not ads:
        return row
    promoted = world.state.need(AdSet, ads[0].adset_id).extra.get("promoted_object") or {}
    story = world.state.need(Creative, ads[0].creative_id).extra.get("object_story_spec") or {}
    page = str(story.get("page_id") or promoted.get("page_id") or "")
    pixel = str(promoted.get("pixel_id") or page)
    titles = dict((*world.scenario.pages, *world.scenario.pixels))
    return {
        name: [
            _aimed(stat, pixel if _is_conversion(stat["action_type"]) else page, titles, names)
            for stat in value
        ]
        if isinstance(value, list)
        else value
        for name, value in row.items()
    }


def _is_conversion(kind: str) -> bool:
    return kind in CONVERSIONS or kind.startswith("offsite_conversion.")


def _aimed(
    stat: dict[str, str], target: str, titles: dict[str, str], names: tuple[str, ...]
) -> dict[str, str]:
    known = {"action_target_id": target, "action_destination": titles.get(target, target)}
    return {"action_type": stat["action_type"], **{name: known[name] for name in names}, **stat}
