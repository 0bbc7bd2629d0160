"""The Marketing API client: the MetaClients port on Meta's official SDK. Each call is made once; repeating is for others.

Create calls go through the SDK's objects, everything else through its ``call``. Whatever fails comes out as one of the
Meta errors, raised by the session before the SDK has read the answer.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from facebook_business.adobjects.adaccount import AdAccount
from facebook_business.adobjects.business import Business
from facebook_business.api import FacebookAdsApi

from autopublisher.adapters.account_client import AccountClient
from autopublisher.adapters.meta import messages
from autopublisher.adapters.meta.pacer import Pacer
from autopublisher.adapters.meta.session import GRAPH, Credentials, GraphSession, Timeouts
from autopublisher.domain.accounts.accounts import AdAccountFacts, MinimumBudgets
from autopublisher.domain.errors import (
    MetaAuthorisationError,
    MetaError,
    MetaNotFoundError,
    MetaOutcomeUnknownError,
    MetaReadError,
    MetaRefusedError,
    MetaTooMuchDataError,
)
from autopublisher.domain.ids import ActId, MetaId
from autopublisher.domain.journal.operations import EDGES, ObjectKind
from autopublisher.domain.meta.answers import MetaFault
from autopublisher.domain.meta.insights import InsightsRow
from autopublisher.domain.meta.object_state import ObjectState
from autopublisher.domain.meta.pacing import Pacing
from autopublisher.domain.meta.rules import Usage
from autopublisher.ports.clock import Clock
from autopublisher.ports.meta.writing import LastCheck, Write

PAGE_SIZE = 100
"""Rows asked for at a time: small enough that Meta does not find a page too large."""

EMPTY_PAGES = 20
"""So many pages without a row, one after the other, are a fault of Meta's and not a long list."""

IDS_PER_QUERY = 100
"""Ids in one filter, so that the address stays within what servers take."""

_CREATE = {
    ObjectKind.CAMPAIGN: "create_campaign",
    ObjectKind.AD_SET: "create_ad_set",
    ObjectKind.CREATIVE: "create_ad_creative",
    ObjectKind.AD: "create_ad",
    ObjectKind.RULE: "create_ad_rules_library",
    ObjectKind.STUDY: "create_ad_study",
    ObjectKind.LABEL: "create_ad_label",
}
"""The method of the SDK's account for each kind; of a study, of its business."""


class SdkMetaAds:
    """Meta as one token sees it; safe to share between threads, and to be closed in the end."""

    def __init__(
        self,
        credentials: Credentials,
        clock: Clock,
        base: str = GRAPH,
        timeouts: Timeouts | None = None,
        page_size: int = PAGE_SIZE,
    ) -> None:
        self._pacer = Pacer(clock)
        self._session = GraphSession(credentials, self._pacer.heard, base, timeouts or Timeouts())
        # Held here and handed to every object: the SDK's global default api is never set.
        self._api = FacebookAdsApi(self._session)
        self._page_size = page_size
        self._accounts: dict[ActId, AdAccountFacts] = {}
        self._is_refused_batches = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def for_account(self, act_id: ActId) -> AccountClient:
        """Return the client of one account."""
        return AccountClient(self, act_id)

    def last_usage(self, act_id: ActId) -> Usage | None:
        """Return how much of Meta's limits the account's last answers said is used; None before the first."""
        return self._pacer.last_usage(act_id)

    def checked(self, check: LastCheck) -> AbstractContextManager[None]:
        """Have this thread's writes within the block checked right before their request goes out; reads are not."""
        return self._session.checked(check)

    # --- pacing ---------------------------------------------------------------------------------------

    def working_for(self, act_id: ActId) -> AbstractContextManager[None]:
        """Have this thread's calls on objects of unknown owner count as the account's while the context lasts."""
        return self._pacer.working_for(act_id)

    def pacing(self, act_id: ActId) -> Pacing:
        """Return how fast the account's calls may go, as far as this client knows."""
        return self._pacer.pacing(act_id)

    def recall(self, act_id: ActId, pacing: Pacing) -> None:
        """Go on from what another process has learnt of the account."""
        self._pacer.recall(act_id, pacing)

    # --- objects --------------------------------------------------------------------------------------

    def create(self, act_id: ActId, kind: ObjectKind, params: Mapping[str, Any]) -> MetaId:
        """Create an object and return its id; raises MetaOutcomeUnknownError where nobody can tell."""
        if kind not in _CREATE:
            raise MetaRefusedError(MetaFault.UPLOADED_ONLY(kind=kind))
        self._pacer.admit(act_id)
        owner = self._lister(act_id, kind)
        self._pacer.admit(owner)
        meta_id = messages.new_id(self._made(act_id, owner, kind, messages.wire(params)))
        self._pacer.owns(act_id, meta_id)
        return meta_id

    def _made(
        self, act_id: ActId, owner: str, kind: ObjectKind, params: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Create through the SDK's object, unless a value is one that Meta documents and the SDK does not know yet."""
        if messages.UNKNOWN_TO_SDK & params.keys():
            return self._call("POST", (owner, EDGES[kind]), params)
        made_by = AdAccount if owner == act_id else Business
        made: Mapping[str, Any] = getattr(made_by(owner, api=self._api), _CREATE[kind])(params=params)
        return made

    def update(self, meta_id: MetaId, params: Mapping[str, Any]) -> None:
        """Set absolute values on an object; a change that stops delivery is never held back."""
        if not messages.stops(params):
            self._pacer.admit(meta_id)
        messages.confirm(self._call("POST", (meta_id,), messages.wire(params)))

    def room(self, act_id: ActId) -> int:
        """Return how many writes may leave in one request now; one for good once Meta has refused a batch as a whole."""
        return 1 if self._is_refused_batches else self._pacer.room(act_id)

    def write_together(self, act_id: ActId, writes: Sequence[Write]) -> Sequence[MetaId | MetaError]:
        """Make writes in one request; return of each the id it made or changed, or how it failed."""
        self._pacer.admit(act_id)
        queue = (
            self._api.new_batch()
        )  # which only words the items: their answers are judged here, like all others
        paths = [_path(act_id, write) for write in writes]
        items = [
            queue.add("POST", path, messages.wire(one.params))
            for path, one in zip(paths, writes, strict=True)
        ]
        try:
            whole = self._api.call("POST", (), params={"batch": items}).json()
        except (MetaAuthorisationError, MetaRefusedError):
            self._is_refused_batches = True
            raise
        answers = messages.batch_answers(whole, len(writes))
        return [
            self._outcome(act_id, write, path, answer)
            for write, path, answer in zip(writes, paths, answers, strict=True)
        ]

    def _outcome(
        self, act_id: ActId, write: Write, path: tuple[str, ...], answer: messages.BatchAnswer | None
    ) -> MetaId | MetaError:
        """Return what the answer to one write of a batch says."""
        if answer is None:
            return MetaOutcomeUnknownError(MetaFault.NO_ANSWER(why="null"))
        place = "/".join(("", "batch", *path))
        failure = self._session.judged(place, answer.status, answer.headers, answer.text)
        if failure is not None:
            return failure
        try:
            return self._answered(act_id, write, json.loads(answer.text))
        except MetaError as error:
            return error

    def _answered(self, act_id: ActId, write: Write, body: Mapping[str, Any]) -> MetaId:
        if write.target is not None:
            messages.confirm(body)
            return write.target
        made = messages.new_id(body)
        self._pacer.owns(act_id, made)
        return made

    def delete(self, meta_id: MetaId) -> None:
        """Delete an object; never held back, for it stops delivery."""
        messages.confirm(self._call("DELETE", (meta_id,), {}))

    def read(self, kind: ObjectKind, meta_id: MetaId, fields: Sequence[str]) -> ObjectState:
        """Read fields of one object; raises MetaNotFoundError where Meta does not know it.

        An image is known by its hash only within its account: either it was uploaded by this client or ``meta_id`` is
        ``<account>:<hash>``.
        """
        if kind is ObjectKind.IMAGE:
            return ObjectState.of(kind, meta_id, self._image(meta_id, fields))
        self._pacer.admit(meta_id)
        names = messages.fields_of(kind, fields)
        row = self._call("GET", (meta_id,), {"fields": messages.field_list(("id",), names)})
        return messages.state_of(kind, fields, row)

    def find(
        self, act_id: ActId, kind: ObjectKind, name_contains: str, fields: Sequence[str]
    ) -> Sequence[ObjectState]:
        """Return every object of the account's edge whose name contains the text: all pages, or an error.

        Meta's filter ignores case, so the names are compared here as well. It works on an index that may lag behind: what
        it does not find is looked for in the edge as a whole, and only both together say that there is nothing.
        """
        owner = self._lister(act_id, kind)
        for query in messages.name_queries(kind, name_contains, messages.fields_of(kind, fields)):
            rows = self._rows(owner, EDGES[kind], query)
            listed = {one.id: one for one in (messages.state_of(kind, fields, row) for row in rows)}
            found = tuple(one for one in listed.values() if name_contains in one.name)
            if found:
                for one in found:
                    self._pacer.owns(act_id, one.id)
                return found
        return ()

    def archived(
        self, act_id: ActId, kind: ObjectKind, name_contains: str, fields: Sequence[str]
    ) -> Sequence[ObjectState]:
        """Return what ``find`` leaves out as archived. Its index is believed: nothing is archived as soon as it is made."""
        query = messages.archived_query(name_contains, messages.fields_of(kind, fields))
        rows = self._rows(self._lister(act_id, kind), EDGES[kind], query)
        listed = {one.id: one for one in (messages.state_of(kind, fields, row) for row in rows)}
        return tuple(one for one in listed.values() if name_contains in one.name)

    def tree(
        self, act_id: ActId, name_contains: str, fields: Mapping[ObjectKind, Sequence[str]]
    ) -> Sequence[ObjectState]:
        """Return ads by name, and what belongs to them; the index is believed in what it shows, not in what it lacks."""
        query = messages.tree_query(name_contains, fields)
        found: dict[MetaId, ObjectState] = {}
        for row in self._rows(act_id, EDGES[ObjectKind.AD], query):
            if name_contains in str(row.get("name")):
                found |= {one.id: one for one in messages.tree_of(fields, row)}
        for meta_id in found:
            self._pacer.owns(act_id, meta_id)
        return tuple(found.values())

    def upload_image(self, act_id: ActId, name: str, content: bytes) -> MetaId:
        """Upload image bytes and return the image hash; repeating it is harmless."""
        self._pacer.admit(act_id)
        answer = self._call("POST", (act_id, EDGES[ObjectKind.IMAGE]), messages.image_upload(name, content))
        image = messages.image_hash(answer)
        self._pacer.owns(act_id, image)
        return image

    # --- accounts -------------------------------------------------------------------------------------

    def account(self, act_id: ActId) -> AdAccountFacts:
        """Read the account."""
        self._pacer.admit(act_id)
        row = self._call("GET", (act_id,), {"fields": messages.field_list(messages.ACCOUNT_FIELDS)})
        facts = messages.account_facts(act_id, row)
        self._accounts[act_id] = facts
        return facts

    def minimum_budgets(self, act_id: ActId) -> MinimumBudgets:
        """Read the smallest daily budgets Meta accepts, in the account's currency."""
        currency = self._known(act_id).currency
        return messages.minimum_budgets_of(tuple(self._rows(act_id, "minimum_budgets", {})), currency)

    def permissions(self) -> frozenset[str]:
        """Return the permissions the token was granted."""
        return messages.granted(tuple(self._rows("me", "permissions", {})))

    def visible_accounts(self) -> Sequence[ActId]:
        """Return every ad account that Meta lists for the token."""
        return [
            ActId(messages.text_of(row, "id")) for row in self._rows("me", "adaccounts", {"fields": "id"})
        ]

    # --- insights -------------------------------------------------------------------------------------

    def ad_sets(
        self, act_id: ActId, ad_set_ids: Sequence[MetaId] | None, since: datetime, until: datetime
    ) -> Sequence[InsightsRow]:
        """Return one row per delivering ad set, over the account's days that hold both moments; without ids of all."""
        if ad_set_ids is not None and not ad_set_ids:
            return ()
        timezone = self._known(act_id).timezone
        if ad_set_ids is None:
            query = messages.listed_insights_query(timezone, since, until)
            return [messages.insights_row(row) for row in self._rows(act_id, "insights", query)]
        rows: dict[MetaId, InsightsRow] = {}
        waiting = [
            ad_set_ids[start : start + IDS_PER_QUERY] for start in range(0, len(ad_set_ids), IDS_PER_QUERY)
        ]
        while waiting:
            some = waiting.pop(0)
            query = messages.insights_query(some, timezone, since, until)
            try:
                found = [messages.insights_row(row) for row in self._rows(act_id, "insights", query)]
            except MetaTooMuchDataError:
                if len(some) == 1:
                    raise
                waiting[:0] = messages.halves(some)
                continue
            rows |= {row.object_id: row for row in found}
        return tuple(rows.values())

    def insights_of(
        self, act_id: ActId, meta_id: MetaId, since: datetime, until: datetime
    ) -> InsightsRow | None:
        """Return the row of one campaign, ad set or ad, a deleted one too, or of the account; None without delivery."""
        query = messages.own_insights_query(self._known(act_id).timezone, since, until)
        self._pacer.owns(act_id, meta_id)
        rows = tuple(self._rows(meta_id, "insights", query))
        if len(rows) > 1:
            raise MetaReadError(MetaFault.SEVERAL_ROWS(number=len(rows)))
        return InsightsRow(meta_id, rows[0]) if rows and rows[0] else None

    # --- the wire -------------------------------------------------------------------------------------

    def _lister(self, act_id: ActId, kind: ObjectKind) -> str:
        """Return whose edge makes and lists a kind; raises MetaRefusedError where the account has no business."""
        if kind is not ObjectKind.STUDY:
            return act_id
        business = self._known(act_id).business_id
        if business is None:
            raise MetaRefusedError(MetaFault.NO_BUSINESS(act_id=act_id))
        self._pacer.shares(business)
        return business

    def _known(self, act_id: ActId) -> AdAccountFacts:
        """Return the account as first read: its currency and time zone never change."""
        return self._accounts.get(act_id) or self.account(act_id)

    def _image(self, meta_id: MetaId, fields: Sequence[str]) -> Mapping[str, Any]:
        account, _, digest = meta_id.rpartition(":")
        owner = f"act_{account}" if account else self._pacer.owner_of(meta_id)
        if owner is None:
            raise MetaRefusedError(MetaFault.IMAGE_ID())
        query = {"hashes": [digest], "fields": messages.field_list(("id", "hash"), fields)}
        for row in self._rows(owner, EDGES[ObjectKind.IMAGE], query):
            if row.get("hash") == digest:
                return row
        raise MetaNotFoundError(MetaFault.NO_IMAGE(digest=digest, owner=owner))

    def _rows(self, subject: str, edge: str, query: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """Yield the rows of all pages of an edge; a page that Meta finds too large is asked for in halves, as it advises."""
        seen: set[str] = set()
        empty = 0
        params = {"limit": self._page_size, **query}
        while True:
            self._pacer.admit(subject, insights=edge == "insights")
            try:
                page = self._call("GET", (subject, edge), params)
            except MetaTooMuchDataError:
                if edge == "insights" or params["limit"] == 1:
                    raise
                params = {**params, "limit": params["limit"] // 2}
                continue
            rows = messages.rows_of(page)
            yield from rows
            empty = 0 if rows else empty + 1
            after = messages.next_cursor(page, self._session.GRAPH)
            if after is None:
                return
            if after in seen:
                raise MetaReadError(MetaFault.PAGES_IN_CIRCLES())
            if empty >= EMPTY_PAGES:
                raise MetaReadError(MetaFault.EMPTY_PAGES(number=empty))
            seen.add(after)
            params = {**params, "after": after}

    def _call(self, method: str, path: tuple[str, ...], params: Mapping[str, Any]) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = self._api.call(method, path, params=dict(params)).json()
        return answer


def _path(act_id: ActId, write: Write) -> tuple[str, ...]:
    """Return where a write is sent: to the account's edge, or to the object it changes."""
    return (act_id, EDGES[write.kind]) if write.target is None else (write.target,)
