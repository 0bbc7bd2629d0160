"""Whatever the domain can hold comes back from the database as it was; the examples follow the fields' types.

A field added to a domain class is tested here without a change, unless its type is a new one.
"""

import types
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from operator import attrgetter
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from autopublisher.adapters.db.tables import META_TABLES
from autopublisher.adapters.memory.dossiers import MemoryDossiers
from autopublisher.domain.accounts.accounts import Account, AdDefaults, Creative
from autopublisher.domain.accounts.stops import Stop
from autopublisher.domain.accounts.watches import Watch
from autopublisher.domain.amounts import Money
from autopublisher.domain.campaigns.campaign import Campaign
from autopublisher.domain.ids import RunId
from autopublisher.domain.journal.operations import ObjectKind, Operation, OperationState
from autopublisher.domain.journal.owners import RunOwner
from autopublisher.domain.journal.records import Decision, Event, Figures, MetaObject, Snapshot
from autopublisher.domain.messages import Message
from autopublisher.domain.people import AccessToken, User
from autopublisher.domain.request.variants import Variant
from autopublisher.domain.runs.commitments import Commitments
from autopublisher.domain.runs.run import Run
from autopublisher.ports.repositories import Fence, OpenUnitOfWork
from autopublisher.ports.reservations import Count, CountedRun

pytestmark = pytest.mark.slow  # each record in every kind of database

_T = TypeVar("_T")

# Neither half a surrogate pair, which is no text, nor NUL, which PostgreSQL does not store.
LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
TEXT = st.text(LETTERS, max_size=12)
SMALL, LARGE = st.integers(0, 2**31 - 2), st.integers(0, 2**53)
JSON = st.recursive(
    st.none() | st.booleans() | LARGE | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
PLAIN: Mapping[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    int: SMALL,
    bool: st.booleans(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    Decimal: st.decimals(0, 10**6, places=2),
    datetime: st.datetimes(
        datetime(2000, 1, 1),  # noqa: DTZ001 (the strategy adds the zone)
        datetime(2100, 1, 1),  # noqa: DTZ001 (as above)
        # Two moments of different zones with changing offsets are not always equal when they are the same.
        timezones=st.sampled_from(
            [UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-9))]
        ),
    ),
    types.NoneType: st.none(),
    Any: JSON,
}
MONEY = st.builds(Money, LARGE, st.sampled_from(["EUR", "JPY"]))
PARAMS = st.recursive(
    TEXT | SMALL | st.floats(allow_nan=False, allow_infinity=False) | PLAIN[datetime] | st.dates() | MONEY,
    lambda inner: (
        st.lists(inner, max_size=3).map(tuple)
        | st.builds(Message, TEXT, st.dictionaries(TEXT, inner, max_size=2))
    ),
    max_leaves=4,
)
MESSAGES = st.builds(Message, TEXT, st.dictionaries(TEXT, PARAMS, max_size=3))
"""Messages hold values of the kinds that are told apart from text, not any JSON."""

# Nothing survives an example, since none is committed; and an unshrunk example says which field was lost.
each_database = settings(
    max_examples=25,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Return a strategy for a field of this type."""
    hint = getattr(hint, "__supertype__", hint)
    if hint is Message:
        return MESSAGES
    if hint in PLAIN:
        return PLAIN[hint]
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(hint)
    if isinstance(hint, type) and is_dataclass(hint):
        return examples(hint)
    return _compound(typing.get_origin(hint), typing.get_args(hint))


def _compound(origin: Any, inner: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    if origin in {types.UnionType, typing.Union}:
        return st.one_of(*map(values, inner))
    if origin is tuple:
        return st.lists(values(inner[0]), max_size=3).map(tuple)
    if origin is Mapping:
        return st.dictionaries(values(inner[0]), values(inner[1]), max_size=3)
    raise TypeError(f"no examples for {origin}")


def examples(kind: type[_T], **known: Any) -> st.SearchStrategy[_T]:
    """Return a strategy for objects of a dataclass; ``known`` fields have one value."""
    hints = typing.get_type_hints(kind)
    unknown = [field.name for field in fields(kind) if field.name not in known]  # type: ignore[arg-type]  # a dataclass
    chosen = {name: values(hints[name]) for name in unknown}
    return st.builds(kind, **chosen, **{name: st.just(value) for name, value in known.items()})


@each_database
@given(data=st.data())
def test_runs(open_unit: OpenUnitOfWork, stored: Run, data: st.DataObject) -> None:
    known = {"id": "another", "account_id": stored.account_id, "currency": "EUR"}
    run = data.draw(examples(Run, **known))
    with open_unit() as unit:
        unit.runs.add(run)
        assert unit.runs.get(run.id) == run
        changed = replace(data.draw(examples(Run, **known)), version=run.version + 1)
        unit.runs.save(changed, was=run.version)
        assert unit.runs.get(run.id) == unit.dossiers.of(run.id).run == changed


@each_database
@given(data=st.data())
def test_operations(open_unit: OpenUnitOfWork, stored: Run, data: st.DataObject) -> None:
    operation = data.draw(examples(Operation, owner=RunOwner(stored.id), state=OperationState.INTENDED))
    drawn = data.draw(examples(Operation, owner=RunOwner(stored.id), sequence=operation.sequence))
    changed = replace(drawn, spec=replace(drawn.spec, key=operation.key))
    with open_unit() as unit:
        unit.journal.intend(operation, Fence(stored.id, stored.version))
        assert unit.journal.of_run(stored.id) == [operation]
        unit.journal.advance(changed, operation, Fence(stored.id, stored.version))
        assert unit.journal.of_run(stored.id) == [changed]


@each_database
@given(account=examples(Account))
def test_accounts(open_unit: OpenUnitOfWork, account: Account) -> None:
    with open_unit() as unit:
        unit.accounts.add(account)
        assert unit.accounts.get(account.id) == account
        unit.accounts.save(replace(account, defaults=AdDefaults()))
        assert unit.accounts.by_act_id(account.act_id) == replace(account, defaults=AdDefaults())


@each_database
@given(data=st.data())
def test_creatives(open_unit: OpenUnitOfWork, stored: Run, data: st.DataObject) -> None:
    creative = data.draw(examples(Creative, account_id=stored.account_id))
    with open_unit() as unit:
        unit.creatives.add(creative)
        assert unit.creatives.get_many([creative.id]) == [creative]


@each_database
@given(data=st.data())
def test_variants_and_decisions(open_unit: OpenUnitOfWork, stored: Run, data: st.DataObject) -> None:
    variant = data.draw(examples(Variant, run_id=stored.id))
    decision = data.draw(examples(Decision, run_id=stored.id))
    with open_unit() as unit:
        unit.records.add_variants([variant])
        unit.decisions.add(decision)
        kept = (unit.records.variants(stored.id), unit.decisions.of_run(stored.id))
        assert kept == ([variant], [decision])


@each_database
@given(data=st.data())
def test_meta_models(open_unit: OpenUnitOfWork, stored: Run, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(list(META_TABLES)))  # rules, studies and labels have no model
    model = replace(data.draw(examples(MetaObject, run_id=stored.id)), kind=kind)
    drawn = replace(data.draw(examples(MetaObject, run_id=stored.id)), kind=kind)
    reading = replace(drawn, key=model.key)
    with open_unit() as unit:
        unit.records.put_objects([model])
        assert unit.records.objects(stored.id) == [model]
        unit.records.put_objects([reading], newest=True)
        kept = reading.baseline if model.baseline is None else model.baseline
        assert unit.records.objects(stored.id) == [replace(reading, baseline=kept)]


@each_database
@given(data=st.data())
def test_snapshots_and_events(open_unit: OpenUnitOfWork, stored: Run, data: st.DataObject) -> None:
    figures = st.builds(Figures, **dict.fromkeys((field.name for field in fields(Figures)), LARGE))
    snapshot = replace(data.draw(examples(Snapshot, run_id=stored.id)), figures=data.draw(figures))
    event = data.draw(examples(Event, run_id=stored.id))
    with open_unit() as unit:
        unit.observations.add_snapshots([snapshot])
        unit.observations.add_events([event])
        kept = (unit.observations.snapshots(stored.id), unit.observations.events(stored.id))
        assert kept == ([snapshot], [event])


@each_database
@given(data=st.data())
def test_a_dossier_has_what_each_repository_has(
    open_unit: OpenUnitOfWork, stored: Run, data: st.DataObject
) -> None:
    owner, act_id = RunOwner(stored.id), stored.act_id
    rows = data.draw(st.lists(examples(Operation, owner=owner), max_size=2, unique_by=attrgetter("sequence")))
    snapshots = data.draw(st.lists(examples(Snapshot, run_id=stored.id), max_size=3))
    campaign = data.draw(examples(Campaign, run_id=stored.id))
    with open_unit() as unit:
        for place, row in enumerate(rows):
            of_its_own = replace(row, spec=replace(row.spec, key=f"test/{place}/ad"))
            unit.journal.intend(of_its_own, Fence(stored.id, stored.version))
        unit.observations.add_snapshots(snapshots)
        unit.observations.add_events(data.draw(st.lists(examples(Event, run_id=stored.id), max_size=3)))
        unit.records.add_variants([data.draw(examples(Variant, run_id=stored.id))])
        ad = replace(data.draw(examples(MetaObject, run_id=stored.id)), kind=ObjectKind.AD)
        unit.records.put_objects([ad])
        for sequence in (2, 1):
            unit.decisions.add(data.draw(examples(Decision, run_id=stored.id, sequence=sequence)))
        unit.watches.add(data.draw(examples(Watch, act_id=act_id)))
        unit.campaigns.add(replace(campaign, spent=None))
        for place, lifted_at in enumerate((None, stored.created_at)):
            unit.stops.add(data.draw(examples(Stop, id=str(place), act_id=act_id, lifted_at=lifted_at)))
        assert unit.dossiers.of(stored.id) == MemoryDossiers(unit).of(stored.id)
        ids = (RunId("none"), stored.id)
        assert unit.dossiers.money_facts(ids) == MemoryDossiers(unit).money_facts(ids)
        unit.reservations.put([CountedRun(stored, Count("a rule", (), Commitments(5, 7, ())))])
        counted = unit.dossiers.money_facts(ids)
        assert counted == MemoryDossiers(unit).money_facts(ids)
        assert (counted[stored.id].commitments, counted[stored.id].rows) == (Commitments(5, 7, ()), [])


@each_database
@given(data=st.data())
def test_people(open_unit: OpenUnitOfWork, data: st.DataObject) -> None:
    user = data.draw(examples(User))
    token = data.draw(examples(AccessToken, user_id=user.id))
    with open_unit() as unit:
        unit.people.add(user)
        unit.tokens.put(token)
        assert unit.people.by_token(token.hash) == (user, token)
