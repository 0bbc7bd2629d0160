"""Edge handlers: one table from (kind, edge) to what posts and deletes there do."""

from collections.abc import Callable
from typing import Any

from metasim.graph.accounts import update_account
from metasim.graph.ad_rules import execute_rule
from metasim.graph.async_requests import (
    cancel_requests,
    look_at_request,
    start_ad_set_requests,
    start_batch_requests,
)
from metasim.graph.bulk_delete import delete_campaigns
from metasim.graph.copies import copy_ad, copy_adset, copy_campaign
from metasim.graph.images import delete_image, upload_images
from metasim.graph.labels import LABELLED, add_labels, delete_label, remove_labels
from metasim.graph.reports import look_at, start_report
from metasim.graph.studies import cancel_study
from metasim.graph.videos import delete_video, look_at_video, upload_video
from metasim.graph.wire import Call
from metasim.scenario import Account
from metasim.state import AsyncRequest, AsyncSet, Label, Node, ReportRun, Study, Video
from metasim.world import World

DELIVERING = ("campaign", "adset", "ad")
EdgeWriter = Callable[[World, Node, Call], dict[str, Any]]
EDGE_WRITERS: dict[tuple[str, str, str], EdgeWriter] = {
    ("POST", "campaign", "copies"): copy_campaign,
    ("POST", "adset", "copies"): copy_adset,
    ("POST", "ad", "copies"): copy_ad,
    ("POST", "adrule", "execute"): execute_rule,
    **{("POST", kind, "adlabels"): add_labels for kind in LABELLED},
    **{
        ("POST", kind, "insights"): lambda world, node, call: start_report(world, call, node.id)
        for kind in DELIVERING
    },
    **{("DELETE", kind, "adlabels"): remove_labels for kind in LABELLED},
}


AccountWriter = Callable[[World, Account, Call], dict[str, Any]]
ACCOUNT_WRITERS: dict[tuple[str, str], AccountWriter] = {
    ("POST", ""): lambda world, account, call: update_account(world, account, call.params),
    ("POST", "adimages"): upload_images,
    ("POST", "advideos"): upload_video,
    ("POST", "asyncadrequestsets"): start_ad_set_requests,
    ("POST", "async_batch_requests"): start_batch_requests,
    ("POST", "insights"): lambda world, account, call: start_report(world, call, f"act_{account.id}"),
    ("DELETE", "adimages"): lambda world, account, call: delete_image(world, account, call.params),
    ("DELETE", "campaigns"): lambda world, account, call: delete_campaigns(world, account, call.params),
}
_DELETERS: dict[type[Node], Callable[[World, Any], dict[str, Any]]] = {
    Label: delete_label,
    Video: delete_video,
    Study: cancel_study,
    AsyncSet: cancel_requests,
}


def delete_node(world: World, node: Node) -> dict[str, Any] | None:
    """Delete a label, video or study, or give up an asynchronous set; None for kinds that are deleted by their status."""
    deleter = _DELETERS.get(type(node))
    return None if deleter is None else deleter(world, node)


def look(world: World, node: Node) -> None:
    """Note a direct read of what takes time: its progress may depend on how often it is looked at."""
    if isinstance(node, ReportRun):
        look_at(world, node)
    elif isinstance(node, Video):
        look_at_video(world, node)
    elif isinstance(node, (AsyncRequest, AsyncSet)):
        look_at_request(world, node)
