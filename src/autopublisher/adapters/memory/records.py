"""Accounts, creatives, people and what belongs to a run, in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from operator import attrgetter

from autopublisher.adapters.json_text import json_copy
from autopublisher.adapters.memory.tables import Tables, need
from autopublisher.domain.accounts.accounts import Account, Creative
from autopublisher.domain.errors import AccountNotFoundError, CreativesNotFoundError, NotFoundError
from autopublisher.domain.faults import Fault, Thing
from autopublisher.domain.ids import AccountId, ActId, CreativeId, RunId
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.journal.records import Decision, Event, Figures, MetaObject, Snapshot
from autopublisher.domain.people import AccessToken, User
from autopublisher.domain.request.variants import Variant
from autopublisher.domain.runs.plan import test_key
from autopublisher.domain.runs.run import RunStatus
from autopublisher.ports.repositories import ObservedArm

_SHARED_IDS = frozenset({ObjectKind.CREATIVE, ObjectKind.IMAGE})
"""Kinds whose Meta id may be that of several rows: an image's hash is the picture's."""


class MemoryAccounts:
    """Implements ``ports.repositories.AccountRepository``."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def add(self, account: Account) -> None:
        """Insert an account; ConflictError where the act id is taken."""
        self._need_free_act_id(account)
        need(account.id not in self._tables.accounts, Fault.ACCOUNT_EXISTS(act_id=account.act_id))
        self._tables.accounts[account.id] = account

    def get(self, account_id: AccountId) -> Account:
        """Return an account, by our id or by Meta's ``act_`` id; raises AccountNotFoundError."""
        named = self._tables.accounts.get(account_id) or self.by_act_id(ActId(account_id))
        if named is None:
            raise AccountNotFoundError(id=account_id)
        return named

    def by_act_id(self, act_id: ActId) -> Account | None:
        """Return the account with Meta's id, or None."""
        return next((account for account in self._tables.accounts.values() if account.act_id == act_id), None)

    def save(self, account: Account) -> None:
        """Overwrite an account; raises AccountNotFoundError, and ConflictError where the act id is taken."""
        self.get(account.id)
        self._need_free_act_id(account)
        self._tables.accounts[account.id] = account

    def all(self) -> Sequence[Account]:
        """Return every account by name."""
        return sorted(self._tables.accounts.values(), key=attrgetter("name", "id"))

    def _need_free_act_id(self, account: Account) -> None:
        holder = self.by_act_id(account.act_id)
        free = holder is None or holder.id == account.id
        need(free, Fault.ACCOUNT_EXISTS(act_id=account.act_id))


class MemoryCreatives:
    """Implements ``ports.repositories.CreativeRepository``."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def add(self, creative: Creative) -> None:
        """Insert a creative; ConflictError where its id is taken."""
        self._tables.need_account(creative.account_id)
        need(creative.id not in self._tables.creatives, Fault.CREATIVE_EXISTS(id=creative.id))
        self._tables.creatives[creative.id] = creative

    def get_many(self, creative_ids: Sequence[CreativeId]) -> Sequence[Creative]:
        """Return the creatives in the order asked; raises CreativesNotFoundError naming all that are missing."""
        missing = [one for one in dict.fromkeys(creative_ids) if one not in self._tables.creatives]
        if missing:
            raise CreativesNotFoundError(ids=", ".join(missing))
        return [self._tables.creatives[creative_id] for creative_id in creative_ids]

    def of_account(self, account_id: AccountId) -> Sequence[Creative]:
        """Return an account's creatives, oldest first."""
        found = [
            creative for creative in self._tables.creatives.values() if creative.account_id == account_id
        ]
        return sorted(found, key=attrgetter("created_at", "id"))


class MemoryRunRecords:
    """Implements ``ports.repositories.RunRecordRepository``."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def add_variants(self, added: Sequence[Variant]) -> None:
        """Insert a run's variants; ConflictError where one exists."""
        for one in added:
            self._tables.need_run(one.run_id)
            place = (one.run_id, one.letter)
            need(place not in self._tables.variants, Fault.VARIANTS_EXIST())
            self._tables.variants[place] = one

    def variants(self, run_id: RunId) -> Sequence[Variant]:
        """Return a run's variants by letter."""
        found = [variant for variant in self._tables.variants.values() if variant.run_id == run_id]
        return sorted(found, key=attrgetter("letter"))

    def put_objects(self, models: Sequence[MetaObject], *, newest: bool = False) -> None:
        """Insert or overwrite Meta models by run and key; ConflictError where an id belongs to another."""
        for model in models:
            self._put(_merged(self._tables.objects.get((model.run_id, model.key)), model, newest=newest))

    def _put(self, meta_object: MetaObject) -> None:
        self._tables.need_run(meta_object.run_id)
        place = (meta_object.run_id, meta_object.key)
        others = [one for where, one in self._tables.objects.items() if where != place]
        taken = any(
            (model.kind, model.meta_id) == (meta_object.kind, meta_object.meta_id) for model in others
        )
        free = meta_object.kind in _SHARED_IDS or not taken
        need(free, Fault.META_ID_TAKEN(meta_id=meta_object.meta_id))
        self._tables.objects[place] = meta_object

    def objects(self, run_id: RunId) -> Sequence[MetaObject]:
        """Return a run's Meta models by key."""
        found = [model for model in self._tables.objects.values() if model.run_id == run_id]
        return sorted(found, key=attrgetter("key"))

    def objects_of(self, run_ids: Sequence[RunId]) -> Mapping[RunId, Sequence[MetaObject]]:
        """Return the Meta models of many runs by run, each by key; a run without models is left out."""
        return {run_id: found for run_id in run_ids if (found := self.objects(run_id))}

    def observed_arms(
        self, act_id: ActId, statuses: frozenset[RunStatus], run_id: RunId
    ) -> Sequence[ObservedArm]:
        """Return by run and letter the test arms of an account's runs at these statuses, and those of ``run_id``."""
        found = []
        for model in self._tables.objects.values():
            run = self._tables.runs[model.run_id]
            wanted = run.id == run_id or (run.act_id == act_id and run.status in statuses)
            if (
                wanted
                and model.variant is not None
                and model.key == test_key(model.variant, ObjectKind.AD_SET)
            ):
                event = run.request.ad.conversion_event
                since = run.admitted_at or run.created_at
                found.append(ObservedArm(run.id, model.variant, model.meta_id, since, event))
        return sorted(found, key=attrgetter("run_id", "letter"))


class MemoryDecisions:
    """Implements ``ports.repositories.DecisionRepository``."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def latest(self, run_ids: Sequence[RunId]) -> Mapping[RunId, Decision]:
        """Return the last decision of each of many runs that has one."""
        return {run_id: found[-1] for run_id in run_ids if (found := self.of_run(run_id))}

    def add(self, decision: Decision) -> None:
        """Append a decision; ConflictError where its sequence is taken."""
        self._tables.need_run(decision.run_id)
        place = (decision.run_id, decision.sequence)
        taken = Fault.DECISION_EXISTS(number=decision.sequence, run_id=decision.run_id)
        need(place not in self._tables.decisions, taken)
        self._tables.decisions[place] = decision

    def of_run(self, run_id: RunId) -> Sequence[Decision]:
        """Return a run's decisions by sequence."""
        found = [decision for decision in self._tables.decisions.values() if decision.run_id == run_id]
        return sorted(found, key=attrgetter("sequence"))


class MemoryObservations:
    """Implements ``ports.repositories.ObservationRepository``."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def add_snapshots(self, added: Sequence[Snapshot]) -> None:
        """Append snapshots; one that is there already (run, variant, moment) is left as it is."""
        for one in added:
            self._tables.need_run(one.run_id)
            self._tables.snapshots.setdefault((one.run_id, one.at, one.variant), one)

    def snapshots(self, run_id: RunId, since: datetime | None = None) -> Sequence[Snapshot]:
        """Return a run's snapshots by moment, then variant: all, or those of a moment and after it."""
        found = [
            one
            for one in self._tables.snapshots.values()
            if one.run_id == run_id and (since is None or one.at >= since)
        ]
        return sorted(found, key=attrgetter("at", "variant"))

    def latest_snapshots(self, run_ids: Sequence[RunId]) -> Mapping[RunId, Sequence[Snapshot]]:
        """Return the last snapshot of each variant of many runs by run, by variant; a run without any is left out."""
        last = {
            run_id: {snapshot.variant: snapshot for snapshot in self.snapshots(run_id)} for run_id in run_ids
        }
        return {run_id: [found[name] for name in sorted(found)] for run_id, found in last.items() if found}

    def with_figures(self, run_ids: Sequence[RunId]) -> frozenset[tuple[RunId, str]]:
        """Return which variants of many runs have ever had a figure that is not nothing."""
        wanted = set(run_ids)
        known = (one for one in self._tables.snapshots.values() if one.run_id in wanted)
        return frozenset((one.run_id, one.variant) for one in known if one.figures != Figures())

    def add_events(self, added: Sequence[Event]) -> None:
        """Append audit events."""
        for one in added:
            self._tables.need_run(one.run_id)
            self._tables.events.append(replace(one, data=json_copy(one.data)))

    def events(self, run_id: RunId) -> Sequence[Event]:
        """Return a run's events in the order they were written."""
        return [event for event in self._tables.events if event.run_id == run_id]


class MemoryPeople:
    """Implements ``ports.repositories.PeopleRepository``."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def add(self, user: User) -> None:
        """Insert a user; ConflictError where the name is taken."""
        self._need_free_name(user)
        need(user.id not in self._tables.users, Fault.USER_EXISTS(name=user.name))
        self._tables.users[user.id] = user

    def by_name(self, name: str) -> User | None:
        """Return the user with this name, or None."""
        return next((user for user in self._tables.users.values() if user.name == name), None)

    def by_token(self, token_hash: str) -> tuple[User, AccessToken] | None:
        """Return the user who holds the token with this hash, and the token; None where there is no such token."""
        token = self._tables.tokens.get(token_hash)
        return None if token is None else (self._tables.users[token.user_id], token)

    def save(self, user: User) -> None:
        """Overwrite a user; raises NotFoundError, and ConflictError where the name is taken."""
        if user.id not in self._tables.users:
            raise NotFoundError(what=Thing.USER(), id=user.id)
        self._need_free_name(user)
        self._tables.users[user.id] = user

    def all(self) -> Sequence[User]:
        """Return every user by name."""
        return sorted(self._tables.users.values(), key=attrgetter("name"))

    def _need_free_name(self, user: User) -> None:
        holder = self.by_name(user.name)
        free = holder is None or holder.id == user.id
        need(free, Fault.USER_EXISTS(name=user.name))


class MemoryTokens:
    """Implements ``ports.repositories.TokenRepository``."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def put(self, token: AccessToken) -> None:
        """Insert or overwrite a token by its hash."""
        need(token.user_id in self._tables.users, Fault.NOT_STORED())
        self._tables.tokens[token.hash] = token

    def get(self, token_hash: str) -> AccessToken | None:
        """Return the token with this hash, or None."""
        return self._tables.tokens.get(token_hash)


def _merged(stored: MetaObject | None, read: MetaObject, *, newest: bool) -> MetaObject:
    """Return what is kept of an object: its later reading, and the baseline that was taken first."""
    if stored is None:
        return read
    later = stored if stored.read_at > read.read_at and not newest else read
    return replace(later, baseline=read.baseline if stored.baseline is None else stored.baseline)
