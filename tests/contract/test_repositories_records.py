"""Accounts, creatives, people and what belongs to a run, the same on every database."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from autopublisher.adapters.db.tables import META_TABLES
from autopublisher.domain.access import Role
from autopublisher.domain.accounts.accounts import Account, Creative
from autopublisher.domain.errors import (
    AccountNotFoundError,
    ConflictError,
    CreativesNotFoundError,
    NotFoundError,
)
from autopublisher.domain.faults import Fault
from autopublisher.domain.ids import AccountId, ActId, CreativeId, MetaId, RunId, UserId
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.journal.records import Decision, Event, Figures, MetaObject, Snapshot
from autopublisher.domain.messages import legacy
from autopublisher.domain.people import AccessToken, TokenKind, User
from autopublisher.domain.request.variants import Variant
from autopublisher.domain.runs.run import Run
from autopublisher.domain.runs.run_messages import RunMessage
from autopublisher.ports.repositories import OpenUnitOfWork

MINUTE = timedelta(minutes=1)


@pytest.fixture
def creative(account: Account, now: datetime) -> Creative:
    return Creative(
        CreativeId("creative-1"), account.id, "Red", "creatives/red", "ab12", now, "image/png", 1080, 1350
    )


@pytest.fixture
def token(user: User, now: datetime) -> AccessToken:
    return AccessToken("hash-1", user.id, TokenKind.API, "laptop", now, None)


@pytest.fixture
def campaign(run: Run, now: datetime) -> MetaObject:
    return MetaObject(
        id="model-1",
        run_id=run.id,
        act_id=run.act_id,
        kind=ObjectKind.CAMPAIGN,
        key="test/a/campaign",
        variant="A",
        meta_id=MetaId("120"),
        parent_meta_id=None,
        name="Spring",
        status="PAUSED",
        effective_status="PAUSED",
        created_at=now,
        read_at=now,
    )


def variant(run: Run, letter: str) -> Variant:
    return Variant(
        run.id, letter, "Spring", CreativeId("creative-1"), "One", "Text", None, ("facebook_feed",)
    )


def decision(run: Run, now: datetime, sequence: int) -> Decision:
    return Decision(
        run.id,
        now,
        sequence,
        "winner",
        final=True,
        verdict='{"b": 1, "a":2}',
        sentence_en="A",
        sentence_es="A",
        money=None if sequence % 2 else '{"d": 1, "c":2}',
    )


class TestAccounts:
    def test_a_second_account_with_the_same_act_id_is_refused(
        self, open_unit: OpenUnitOfWork, account: Account
    ) -> None:
        with open_unit() as unit:
            unit.accounts.add(account)
            with pytest.raises(ConflictError, match=r"fault.account_exists act_id=act_1"):
                unit.accounts.add(replace(account, id=AccountId("account-2")))

    def test_an_unknown_account_is_not_found(self, open_unit: OpenUnitOfWork) -> None:
        with open_unit() as unit, pytest.raises(AccountNotFoundError):
            unit.accounts.get(AccountId("nobody"))

    def test_an_account_is_found_by_metas_id(self, open_unit: OpenUnitOfWork, account: Account) -> None:
        with open_unit() as unit:
            unit.accounts.add(account)
            assert unit.accounts.by_act_id(account.act_id) == account
            assert unit.accounts.get(AccountId(account.act_id)) == account

    def test_an_act_id_nobody_has_is_none(self, open_unit: OpenUnitOfWork) -> None:
        with open_unit() as unit:
            assert unit.accounts.by_act_id(ActId("act_9")) is None

    def test_an_account_is_overwritten(self, open_unit: OpenUnitOfWork, account: Account) -> None:
        renamed = replace(account, name="Boots", defaults=replace(account.defaults, pixel_id="5"))
        with open_unit() as unit:
            unit.accounts.add(account)
            unit.accounts.save(renamed)
            assert unit.accounts.get(account.id) == renamed

    def test_an_account_that_was_never_added_cannot_be_overwritten(
        self, open_unit: OpenUnitOfWork, account: Account
    ) -> None:
        with open_unit() as unit, pytest.raises(AccountNotFoundError):
            unit.accounts.save(account)

    def test_an_account_cannot_take_anothers_act_id(
        self, open_unit: OpenUnitOfWork, account: Account
    ) -> None:
        second = replace(account, id=AccountId("account-2"), act_id=ActId("act_2"))
        with open_unit() as unit:
            unit.accounts.add(account)
            unit.accounts.add(second)
            with pytest.raises(ConflictError, match=r"fault.account_exists act_id=act_1"):
                unit.accounts.save(replace(second, act_id=account.act_id))

    def test_accounts_come_by_name(self, open_unit: OpenUnitOfWork, account: Account) -> None:
        names = ["b", "Z", "ä", "a"]
        with open_unit() as unit:
            for number, name in enumerate(names):
                other = replace(account, id=AccountId(name), act_id=ActId(f"act_{number}"), name=name)
                unit.accounts.add(other)
            assert [one.name for one in unit.accounts.all()] == ["Z", "a", "b", "ä"]


class TestCreatives:
    @pytest.mark.usefixtures("stored")
    def test_creatives_come_in_the_order_asked(self, open_unit: OpenUnitOfWork, creative: Creative) -> None:
        second = replace(creative, id=CreativeId("creative-2"))
        with open_unit() as unit:
            unit.creatives.add(creative)
            unit.creatives.add(second)
            assert unit.creatives.get_many([second.id, creative.id]) == [second, creative]

    @pytest.mark.usefixtures("stored")
    def test_every_missing_creative_is_named(self, open_unit: OpenUnitOfWork, creative: Creative) -> None:
        asked = [CreativeId("x"), creative.id, CreativeId("y"), CreativeId("x")]
        with open_unit() as unit:
            unit.creatives.add(creative)
            with pytest.raises(CreativesNotFoundError, match=r"^Creatives not found: x, y$"):
                unit.creatives.get_many(asked)

    def test_no_creatives_asked_none_given(self, open_unit: OpenUnitOfWork) -> None:
        with open_unit() as unit:
            assert unit.creatives.get_many([]) == []

    @pytest.mark.usefixtures("stored")
    def test_an_accounts_creatives_come_oldest_first(
        self, open_unit: OpenUnitOfWork, creative: Creative
    ) -> None:
        older = replace(creative, id=CreativeId("z"), created_at=creative.created_at - MINUTE)
        with open_unit() as unit:
            unit.creatives.add(creative)
            unit.creatives.add(older)
            assert unit.creatives.of_account(creative.account_id) == [older, creative]

    @pytest.mark.usefixtures("stored")
    def test_a_second_creative_with_the_same_id_is_refused(
        self, open_unit: OpenUnitOfWork, creative: Creative
    ) -> None:
        with open_unit() as unit:
            unit.creatives.add(creative)
            with pytest.raises(ConflictError, match=r"fault.creative_exists id=creative-1"):
                unit.creatives.add(creative)

    def test_a_creative_of_an_unknown_account_is_refused(
        self, open_unit: OpenUnitOfWork, creative: Creative
    ) -> None:
        with open_unit() as unit, pytest.raises(ConflictError, match=Fault.NOT_STORED):
            unit.creatives.add(creative)


class TestRunRecords:
    def test_variants_come_by_letter(self, open_unit: OpenUnitOfWork, stored: Run) -> None:
        with open_unit() as unit:
            unit.records.add_variants([variant(stored, "B"), variant(stored, "A")])
            assert unit.records.variants(stored.id) == [variant(stored, "A"), variant(stored, "B")]

    def test_a_run_gets_its_variants_once(self, open_unit: OpenUnitOfWork, stored: Run) -> None:
        with open_unit() as unit:
            unit.records.add_variants([variant(stored, "A")])
            with pytest.raises(ConflictError, match=Fault.VARIANTS_EXIST):
                unit.records.add_variants([variant(stored, "A")])

    def test_variants_of_an_unknown_run_are_refused(self, open_unit: OpenUnitOfWork, run: Run) -> None:
        with open_unit() as unit, pytest.raises(ConflictError, match=Fault.NOT_STORED):
            unit.records.add_variants([variant(run, "A")])

    def test_a_meta_model_is_overwritten_by_its_next_reading(
        self, open_unit: OpenUnitOfWork, stored: Run, campaign: MetaObject
    ) -> None:
        read = replace(campaign, status="ACTIVE", read_at=campaign.read_at + MINUTE)
        with open_unit() as unit:
            unit.records.put_objects([campaign])
            unit.records.put_objects([read])
            assert unit.records.objects(stored.id) == [read]

    def test_an_earlier_reading_changes_a_meta_model_only_where_it_has_the_first_baseline(
        self, open_unit: OpenUnitOfWork, stored: Run, campaign: MetaObject
    ) -> None:
        later = replace(campaign, status="ACTIVE", read_at=campaign.read_at + MINUTE)
        first, second = ({"age_min": age} for age in (18, 21))
        with open_unit() as unit:
            unit.records.put_objects([later])
            unit.records.put_objects([replace(campaign, baseline=first)])
            assert unit.records.objects(stored.id) == [replace(later, baseline=first)]
            unit.records.put_objects([replace(campaign, baseline=second)], newest=True)
            assert unit.records.objects(stored.id) == [replace(campaign, baseline=first)]

    def test_meta_models_of_all_kinds_come_by_key(
        self, open_unit: OpenUnitOfWork, stored: Run, campaign: MetaObject
    ) -> None:
        models = [
            replace(campaign, id=kind.value, kind=kind, key=kind.value, meta_id=MetaId(kind.value))
            for kind in META_TABLES
        ]
        with open_unit() as unit:
            unit.records.put_objects(models)
            assert [one.key for one in unit.records.objects(stored.id)] == sorted(META_TABLES)

    @pytest.mark.usefixtures("stored")
    @pytest.mark.parametrize("kind", [ObjectKind.CAMPAIGN, ObjectKind.AD_SET, ObjectKind.AD])
    def test_two_objects_cannot_have_one_meta_id(
        self, open_unit: OpenUnitOfWork, campaign: MetaObject, kind: ObjectKind
    ) -> None:
        model = replace(campaign, kind=kind)
        with open_unit() as unit:
            unit.records.put_objects([model])
            with pytest.raises(ConflictError, match=r"fault.meta_id_taken meta_id=120"):
                unit.records.put_objects([replace(model, id="model-2", key="test/b/campaign")])

    def test_two_runs_can_show_the_same_image(
        self, open_unit: OpenUnitOfWork, stored: Run, campaign: MetaObject
    ) -> None:
        image = replace(campaign, kind=ObjectKind.IMAGE)
        second = replace(image, id="model-2", run_id=RunId("run-2"))
        with open_unit() as unit:
            unit.runs.add(replace(stored, id=second.run_id))
            unit.records.put_objects([image])
            unit.records.put_objects([second])
            assert unit.records.objects(second.run_id) == [second]

    def test_decisions_come_by_sequence(self, open_unit: OpenUnitOfWork, stored: Run, now: datetime) -> None:
        with open_unit() as unit:
            unit.decisions.add(decision(stored, now, 2))
            unit.decisions.add(decision(stored, now, 1))
            assert unit.decisions.of_run(stored.id) == [decision(stored, now, 1), decision(stored, now, 2)]

    def test_a_decision_is_never_replaced(
        self, open_unit: OpenUnitOfWork, stored: Run, now: datetime
    ) -> None:
        with open_unit() as unit:
            unit.decisions.add(decision(stored, now, 1))
            with pytest.raises(ConflictError, match=r"fault.decision_exists number=1 run_id=run-1"):
                unit.decisions.add(decision(stored, now, 1))


class TestObservations:
    def test_snapshots_come_by_moment_and_then_by_variant(
        self, open_unit: OpenUnitOfWork, stored: Run, now: datetime
    ) -> None:
        first, second, third = (
            Snapshot(stored.id, variant, at, Figures(spend=100, clicks=3))
            for variant, at in [("B", now), ("A", now + MINUTE), ("B", now + MINUTE)]
        )
        with open_unit() as unit:
            unit.observations.add_snapshots([third, first, second])
            assert unit.observations.snapshots(stored.id) == [first, second, third]
            assert unit.observations.snapshots(stored.id, third.at) == [
                one for one in (first, second, third) if one.at >= third.at
            ]

    def test_a_snapshot_is_never_replaced(
        self, open_unit: OpenUnitOfWork, stored: Run, now: datetime
    ) -> None:
        first = Snapshot(stored.id, "A", now, Figures(spend=100))
        second = Snapshot(stored.id, "B", now, Figures(spend=100))
        with open_unit() as unit:
            unit.observations.add_snapshots([first])
            unit.observations.add_snapshots([replace(first, figures=Figures(spend=900)), second])
            assert unit.observations.snapshots(stored.id) == [first, second]

    def test_no_snapshots_are_no_trouble(self, open_unit: OpenUnitOfWork, stored: Run) -> None:
        with open_unit() as unit:
            unit.observations.add_snapshots([])
            assert unit.observations.snapshots(stored.id) == []

    def test_events_come_as_they_were_written(
        self, open_unit: OpenUnitOfWork, stored: Run, now: datetime
    ) -> None:
        later = Event(
            now + MINUTE,
            "flow:run:started",
            "ana",
            RunMessage.DELIVERY_STARTED(ends=now),
            stored.id,
            {"spend": 1.5},
        )
        earlier = Event(now, "flow:run:added", "ana", RunMessage.SUBMITTED(name="Spring"), stored.id)
        with open_unit() as unit:
            unit.observations.add_events([later, earlier])
            assert unit.observations.events(stored.id) == [later, earlier]

    def test_an_event_needs_no_run(self, open_unit: OpenUnitOfWork, stored: Run, now: datetime) -> None:
        with open_unit() as unit:
            unit.observations.add_events([Event(now, "api:user:added", "ana", legacy("Added bob"))])
            unit.commit()
            assert unit.observations.events(stored.id) == []


class TestPeople:
    def test_a_user_is_found_by_name_and_by_a_token(
        self, open_unit: OpenUnitOfWork, user: User, token: AccessToken
    ) -> None:
        with open_unit() as unit:
            unit.people.add(user)
            unit.people.add(replace(user, id=UserId("user-2"), name="bob"))
            unit.tokens.put(token)
            assert (unit.people.by_name("ana"), unit.people.by_token(token.hash)) == (user, (user, token))

    def test_nobody_is_none(self, open_unit: OpenUnitOfWork) -> None:
        with open_unit() as unit:
            assert (unit.people.by_name("bob"), unit.people.by_token("hash-2")) == (None, None)

    def test_a_name_is_given_once(self, open_unit: OpenUnitOfWork, user: User) -> None:
        with open_unit() as unit:
            unit.people.add(user)
            with pytest.raises(ConflictError, match=r"fault.user_exists name=ana"):
                unit.people.add(replace(user, id=UserId("user-2")))

    def test_a_user_is_overwritten(self, open_unit: OpenUnitOfWork, user: User) -> None:
        changed = replace(user, role=Role.VIEWER, active=False)
        with open_unit() as unit:
            unit.people.add(user)
            unit.people.save(changed)
            assert unit.people.by_name(user.name) == changed

    def test_a_user_cannot_take_anothers_name(self, open_unit: OpenUnitOfWork, user: User) -> None:
        second = replace(user, id=UserId("user-2"), name="bob")
        with open_unit() as unit:
            unit.people.add(user)
            unit.people.add(second)
            with pytest.raises(ConflictError, match=r"fault.user_exists name=ana"):
                unit.people.save(replace(second, name="ana"))

    def test_a_user_who_was_never_added_cannot_be_overwritten(
        self, open_unit: OpenUnitOfWork, user: User
    ) -> None:
        with open_unit() as unit, pytest.raises(NotFoundError, match=r"thing.user user-1 was not found"):
            unit.people.save(user)

    def test_users_are_listed_by_name(self, open_unit: OpenUnitOfWork, user: User) -> None:
        second = replace(user, id=UserId("user-2"), name="aaron")
        with open_unit() as unit:
            unit.people.add(user)
            unit.people.add(second)
            assert unit.people.all() == [second, user]

    def test_a_token_is_overwritten_by_its_hash(
        self, open_unit: OpenUnitOfWork, user: User, token: AccessToken
    ) -> None:
        revoked = replace(token, revoked_at=token.created_at + MINUTE)
        with open_unit() as unit:
            unit.people.add(user)
            unit.tokens.put(token)
            unit.tokens.put(revoked)
            assert unit.tokens.get(token.hash) == revoked

    def test_an_unknown_token_is_none(self, open_unit: OpenUnitOfWork) -> None:
        with open_unit() as unit:
            assert unit.tokens.get("hash-1") is None

    def test_a_token_of_nobody_is_refused(self, open_unit: OpenUnitOfWork, token: AccessToken) -> None:
        with open_unit() as unit, pytest.raises(ConflictError, match=Fault.NOT_STORED):
            unit.tokens.put(token)
