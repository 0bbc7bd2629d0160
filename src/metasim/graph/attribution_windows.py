"""Attribution windows of insights: which may be asked for, and which still answer."""

from metasim.graph.errors import not_one_of
from metasim.graph.wire import Params

LIVE = ("1d_click", "7d_click", "28d_click", "1d_view", "1d_ev")
RETIRED = ("7d_view", "28d_view")  # accepted, but nothing is reported under them any more
OTHER = ("default", "dda", "skan_click", "skan_view")


def read_windows(params: Params) -> tuple[str, ...]:
    """Return the windows to report beside the default. Raises GraphError for unknown ones."""
    asked = params.words("action_attribution_windows") or []
    known = (*LIVE, *RETIRED, *OTHER)
    if set(asked) - set(known):
        raise not_one_of("action_attribution_windows", known)
    return tuple(window for window in asked if window in LIVE)
