"""Meta's ads in memory: objects by id, faults on demand, figures as set.

It keeps what Meta promises of any object (names, parents, absolute updates, statuses that follow the parents') and none of
Meta's rules on parameters; those belong to the simulator.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from hashlib import blake2b
from itertools import count
from threading import local
from typing import Any

from autopublisher.adapters.account_client import AccountClient
from autopublisher.adapters.json_text import json_copy
from autopublisher.domain.accounts.accounts import AdAccountFacts, MinimumBudgets
from autopublisher.domain.errors import MetaError, MetaNotFoundError, MetaRefusedError
from autopublisher.domain.ids import ActId, MetaId
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.meta.insights import InsightsRow
from autopublisher.domain.meta.object_state import GONE, ObjectState
from autopublisher.domain.meta.pacing import Pacing
from autopublisher.ports.clock import Clock
from autopublisher.ports.meta.writing import LastCheck, Write

_FIRST_ID = 120_000_000_000_000_001
_WRITES = frozenset({"create", "update", "delete", "upload_image", "write_together"})
_INVALID = 100
"""Meta's code for a parameter it does not accept."""

_PARENTS = {
    ObjectKind.AD_SET: ("campaign_id", ObjectKind.CAMPAIGN, "CAMPAIGN_PAUSED"),
    ObjectKind.AD: ("adset_id", ObjectKind.AD_SET, "ADSET_PAUSED"),
}
"""Where an object names its parent, the parent's kind, and what the object is while that one is paused."""


@dataclass(frozen=True)
class Fault:
    """An error that the next call of ``method`` (of any, if None) raises, after having done its work if ``done``."""

    error: BaseException
    method: str | None = None
    done: bool = False


@dataclass(frozen=True)
class Call:
    """One call that was made: the method, and the object's or account's id and parameters."""

    method: str
    subject: str
    params: Mapping[str, Any]


@dataclass
class StoredObject:
    """An object as Meta holds it."""

    act_id: ActId
    kind: ObjectKind
    fields: dict[str, Any]

    @property
    def status(self) -> str:
        """The status it was given; creatives and images are simply ACTIVE."""
        return str(self.fields.get("status", "ACTIVE"))


class MemoryMetaAds:
    """Implements ``ports.meta.client.MetaClients`` and ``ports.meta.token.MetaToken``.

    Set ``facts``, ``minimums``, ``granted``, ``faults``, ``insights``, ``pacings``, ``most_together`` freely.
    """

    def __init__(
        self,
        clock: Clock,
        facts: AdAccountFacts,
        minimums: MinimumBudgets,
        granted: frozenset[str] = frozenset({"ads_management", "ads_read"}),
    ) -> None:
        self.facts = facts
        self.minimums = minimums
        self.granted = granted
        self.faults: list[Fault] = []
        self.calls: list[Call] = []
        self.insights: dict[MetaId, Mapping[str, Any]] = {}
        self.objects: dict[MetaId, StoredObject] = {}
        self.pacings: dict[ActId, Pacing] = {}
        self.working: ActId | None = None
        self.most_together = 10
        self._clock = clock
        self._ids = count(_FIRST_ID)
        self._checks = local()

    def for_account(self, act_id: ActId) -> AccountClient:
        """Return the client of one account."""
        return AccountClient(self, act_id)

    # --- objects ----------------------------------------------------------------------------------

    @contextmanager
    def checked(self, check: LastCheck) -> Iterator[None]:
        """Have this thread's writes within the block checked before they count as made."""
        before = getattr(self._checks, "last", None)
        self._checks.last = check
        try:
            yield
        finally:
            self._checks.last = before

    def create(self, act_id: ActId, kind: ObjectKind, params: Mapping[str, Any]) -> MetaId:
        """Create an object; MetaRefusedError where the parent it names does not exist."""
        fault = self._begin("create", act_id, params)
        self._need_account(act_id)
        self._need_parent(kind, params)
        if kind is ObjectKind.STUDY:
            self._need_cells(params)
        meta_id = MetaId(str(next(self._ids)))
        named = {"id": meta_id, "created_time": self._clock.now().isoformat(), **json_copy(params)}
        self.objects[meta_id] = StoredObject(act_id, kind, named)
        self._end(fault)
        return meta_id

    def update(self, meta_id: MetaId, params: Mapping[str, Any]) -> None:
        """Set values; MetaNotFoundError for an unknown object, MetaRefusedError for a deleted one."""
        fault = self._begin("update", meta_id, params)
        stored = self._stored(meta_id)
        if stored.status == "DELETED":
            raise MetaRefusedError(f"object {meta_id} is deleted", code=_INVALID)
        stored.fields.update(json_copy(params))
        self._end(fault)

    def room(self, act_id: ActId) -> int:
        """Return ``most_together``."""
        del act_id
        return self.most_together

    def write_together(self, act_id: ActId, writes: Sequence[Write]) -> Sequence[MetaId | MetaError]:
        """Make the writes one by one, each with the faults of its own; they were checked together, before the first."""
        fault = self._begin("write_together", act_id, {"number": len(writes)})
        with self.checked(lambda: None):
            made = [self._made(act_id, write) for write in writes]
        self._end(fault)
        return made

    def _made(self, act_id: ActId, write: Write) -> MetaId | MetaError:
        try:
            if write.target is None:
                return self.create(act_id, write.kind, write.params)
            self.update(write.target, write.params)
        except MetaError as error:
            return error
        return write.target

    def delete(self, meta_id: MetaId) -> None:
        """Delete an object; it stays readable by id but is listed no more. MetaRefusedError for a creative in use."""
        fault = self._begin("delete", meta_id, {})
        ads = [
            model
            for model in self.objects.values()
            if model.kind is ObjectKind.AD and model.status != "DELETED"
        ]
        if any(ad.fields["creative"] == {"creative_id": meta_id} for ad in ads):
            raise MetaRefusedError("an ad uses the creative", code=_INVALID)
        self._stored(meta_id).fields["status"] = "DELETED"
        self._end(fault)

    def read(self, kind: ObjectKind, meta_id: MetaId, fields: Sequence[str]) -> ObjectState:
        """Read fields; one the object does not have is left out, as Meta does."""
        fault = self._begin("read", meta_id, {})
        stored = self._stored(meta_id)
        if stored.kind is not kind:
            raise MetaNotFoundError(f"{meta_id} is no {kind}", code=_INVALID)
        self._end(fault)
        return self._shown(stored, fields)

    def find(
        self, act_id: ActId, kind: ObjectKind, name_contains: str, fields: Sequence[str]
    ) -> Sequence[ObjectState]:
        """Return the account's objects of a kind that are neither deleted nor archived and whose name contains the text."""
        fault = self._begin("find", act_id, {"kind": kind, "name_contains": name_contains})
        edge = [model for model in self.objects.values() if (model.act_id, model.kind) == (act_id, kind)]
        listed = [one for one in edge if one.status not in GONE and name_contains in one.fields["name"]]
        self._end(fault)
        return [self._shown(row, fields) for row in listed]

    def archived(
        self, act_id: ActId, kind: ObjectKind, name_contains: str, fields: Sequence[str]
    ) -> Sequence[ObjectState]:
        """Return the account's archived objects of a kind whose name contains the text."""
        fault = self._begin("archived", act_id, {"kind": kind, "name_contains": name_contains})
        edge = [model for model in self.objects.values() if (model.act_id, model.kind) == (act_id, kind)]
        self._end(fault)
        named = [one for one in edge if name_contains in one.fields["name"]]
        return [self._shown(one, fields) for one in named if one.status == "ARCHIVED"]

    def tree(
        self, act_id: ActId, name_contains: str, fields: Mapping[ObjectKind, Sequence[str]]
    ) -> Sequence[ObjectState]:
        """Return the account's ads that are not gone and whose name contains the text, with all that belongs to them."""
        fault = self._begin("tree", act_id, {"name_contains": name_contains})
        ads = [one for one in self.objects.values() if (one.act_id, one.kind) == (act_id, ObjectKind.AD)]
        named = [one for one in ads if one.status not in GONE and name_contains in one.fields["name"]]
        self._end(fault)
        parts = {MetaId(one.fields["id"]): one for ad in named for one in self._parts(ad)}
        return [self._shown(one, fields[one.kind]) for one in parts.values() if one.kind in fields]

    def upload_image(self, act_id: ActId, name: str, content: bytes) -> MetaId:
        """Keep an image under its content's hash."""
        fault = self._begin("upload_image", act_id, {"name": name})
        self._need_account(act_id)
        image = MetaId(blake2b(content, digest_size=16).hexdigest())
        self.objects[image] = StoredObject(
            act_id, ObjectKind.IMAGE, {"id": image, "hash": image, "name": name}
        )
        self._end(fault)
        return image

    # --- accounts and figures ---------------------------------------------------------------------

    def account(self, act_id: ActId) -> AdAccountFacts:
        """Return ``facts``."""
        self._end(self._begin("account", act_id, {}))
        self._need_account(act_id)
        return self.facts

    def minimum_budgets(self, act_id: ActId) -> MinimumBudgets:
        """Return ``minimums``."""
        self._end(self._begin("minimum_budgets", act_id, {}))
        self._need_account(act_id)
        return self.minimums

    def permissions(self) -> frozenset[str]:
        """Return ``granted``."""
        self._end(self._begin("permissions", "me", {}))
        return self.granted

    def visible_accounts(self) -> Sequence[ActId]:
        """Return the one account there is."""
        self._end(self._begin("visible_accounts", "me", {}))
        return [self.facts.act_id]

    def ad_sets(
        self, act_id: ActId, ad_set_ids: Sequence[MetaId] | None, since: datetime, until: datetime
    ) -> Sequence[InsightsRow]:
        """Return the rows in ``insights`` of the ad sets asked for, or that are not deleted: figures of any period."""
        fault = self._begin("ad_sets", act_id, {"since": since, "until": until})
        self._end(fault)
        asked = self._standing() if ad_set_ids is None else ad_set_ids
        return [InsightsRow(one, self.insights[one]) for one in asked if one in self.insights]

    def insights_of(
        self, act_id: ActId, meta_id: MetaId, since: datetime, until: datetime
    ) -> InsightsRow | None:
        """Return the object's row in ``insights``, the figures of any period; the account's is the sum of its ad sets."""
        fault = self._begin("insights_of", act_id, {"since": since, "until": until})
        is_account = str(meta_id) == str(act_id)
        if not is_account:
            self._stored(meta_id)
        self._end(fault)
        row = self._summed() if is_account else self.insights.get(meta_id)
        return InsightsRow(meta_id, row) if row else None

    # --- pacing -----------------------------------------------------------------------------------

    @contextmanager
    def working_for(self, act_id: ActId) -> Iterator[None]:
        """Note for whom calls are made meanwhile in ``working``; nothing is ever held back."""
        before, self.working = self.working, act_id
        try:
            yield
        finally:
            self.working = before

    def pacing(self, act_id: ActId) -> Pacing:
        """Return what was recalled, or set in ``pacings``."""
        return self.pacings.get(act_id, Pacing())

    def recall(self, act_id: ActId, pacing: Pacing) -> None:
        """Keep it in ``pacings``."""
        self.pacings[act_id] = pacing

    # --- inside -----------------------------------------------------------------------------------

    def _begin(self, method: str, subject: str, params: Mapping[str, Any]) -> Fault | None:
        """Note the call and take the fault that awaits it; one that strikes before the work strikes here."""
        check: LastCheck | None = getattr(self._checks, "last", None)
        if check is not None and method in _WRITES:
            check()
        self.calls.append(Call(method, subject, dict(params)))
        fault = next((one for one in self.faults if one.method in {None, method}), None)
        if fault is None:
            return None
        self.faults.remove(fault)
        if not fault.done:
            raise fault.error
        return fault

    @staticmethod
    def _end(fault: Fault | None) -> None:
        if fault is not None:
            raise fault.error

    def _ad_sets(self) -> list[tuple[MetaId, StoredObject]]:
        return [(key, one) for key, one in self.objects.items() if one.kind is ObjectKind.AD_SET]

    def _standing(self) -> list[MetaId]:
        """Return the ad sets that are not deleted, nor their campaigns."""
        return [
            key
            for key, one in self._ad_sets()
            if "DELETED" not in {one.status, self.objects[MetaId(one.fields["campaign_id"])].status}
        ]

    def _summed(self) -> Mapping[str, Any]:
        """Return what all ad sets have spent, deleted ones too."""
        rows = [self.insights[key] for key, _ in self._ad_sets() if key in self.insights]
        return {"spend": str(sum(Decimal(row.get("spend", 0)) for row in rows))} if rows else {}

    def _need_account(self, act_id: ActId) -> None:
        if act_id != self.facts.act_id:
            raise MetaNotFoundError(f"ad account {act_id} does not exist", code=_INVALID)

    def _need_parent(self, kind: ObjectKind, params: Mapping[str, Any]) -> None:
        if kind not in _PARENTS:
            return
        field, parent_kind, _ = _PARENTS[kind]
        parent = self.objects.get(params.get(field, MetaId("")))
        if parent is None or parent.kind is not parent_kind or parent.status == "DELETED":
            raise MetaRefusedError(f"{field} names no {parent_kind}", code=_INVALID)

    def _need_cells(self, params: Mapping[str, Any]) -> None:
        """A study belongs to a business, and an ad set to one study that goes on."""
        if self.facts.business_id is None:
            raise MetaRefusedError("the account belongs to no business", code=_INVALID)
        members = _members(params)
        taken = [
            member
            for model in self.objects.values()
            if model.kind is ObjectKind.STUDY and model.status != "DELETED"
            for member in _members(model.fields)
        ]
        for member in members:
            if member not in self.objects or member in taken:
                raise MetaRefusedError(f"{member} cannot join a study", code=_INVALID)

    def _stored(self, meta_id: MetaId) -> StoredObject:
        if meta_id not in self.objects:
            raise MetaNotFoundError(f"object {meta_id} does not exist", code=_INVALID)
        return self.objects[meta_id]

    def _shown(self, stored: StoredObject, fields: Sequence[str]) -> ObjectState:
        everything = {**stored.fields, "status": stored.status, "effective_status": self._effective(stored)}
        shown = {name: everything[name] for name in fields if name in everything}
        return ObjectState.of(stored.kind, MetaId(stored.fields["id"]), shown)

    def _parts(self, ad: StoredObject) -> list[StoredObject]:
        """Return an ad with its ad set, campaign and creative."""
        ad_set = self.objects[MetaId(ad.fields["adset_id"])]
        campaign = self.objects[MetaId(ad_set.fields["campaign_id"])]
        creative = self.objects.get(ad.fields.get("creative", {}).get("creative_id"))
        return [ad, ad_set, campaign, *([] if creative is None else [creative])]

    def _effective(self, stored: StoredObject) -> str:
        """Return its own status while that is not ACTIVE, else what its nearest parent that is not makes of it."""
        if stored.status != "ACTIVE" or stored.kind not in _PARENTS:
            return stored.status
        field, _, while_paused = _PARENTS[stored.kind]
        parent = self.objects[MetaId(stored.fields[field])]
        above = self._effective(parent)
        return while_paused if above == "PAUSED" else above


def _members(study: Mapping[str, Any]) -> list[MetaId]:
    """Return the ad sets in the cells of a study."""
    return [MetaId(member) for cell in study["cells"] for member in cell["adsets"]]
