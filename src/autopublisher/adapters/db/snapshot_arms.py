"""Arms that runs have snapshots of, found along the key: what a statement reads of them does not grow with their polls."""

from collections.abc import Callable

from sqlalchemy import CTE, Column, ColumnElement, ScalarSelect, and_, func, select, tuple_

from autopublisher.adapters.db.tables import insight_snapshots, runs


def arms_of(is_wanted: Callable[[Column[str]], ColumnElement[bool]]) -> CTE:
    """Return the arms (``run_id``, ``arm``) of the runs whose ids are wanted; an arm that is nothing ends those of a run."""
    first = select(runs.c.id.label("run_id"), _least_arm(runs.c.id).label("arm")).where(is_wanted(runs.c.id))
    arms = first.cte(recursive=True, nesting=True)
    following = select(arms.c.run_id, _least_arm(arms.c.run_id, above=arms.c.arm)).where(
        arms.c.arm.is_not(None)
    )
    return arms.union_all(following)


def latest(is_wanted: Callable[[Column[str]], ColumnElement[bool]]) -> ColumnElement[bool]:
    """Return which snapshots are the last of their run and arm, of the runs whose ids are wanted.

    From arm to arm and to the last moment of each along the key, so that those before it are not read, however many.
    """
    arms, each = arms_of(is_wanted), insight_snapshots.alias().c
    of_arm = and_(each.run_id == arms.c.run_id, each.variant == arms.c.arm)
    last = select(func.max(each.at)).where(of_arm).scalar_subquery()
    table = insight_snapshots.c
    return tuple_(table.run_id, table.variant, table.at).in_(
        select(arms.c.run_id, arms.c.arm, last).where(arms.c.arm.is_not(None))
    )


def _least_arm(run_id: ColumnElement[str], above: ColumnElement[str] | None = None) -> ScalarSelect[str]:
    """Return the first of a run's arms that has a snapshot, or the first after another."""
    each = insight_snapshots.alias().c
    of_run = each.run_id == run_id
    return (
        select(func.min(each.variant))
        .where(of_run if above is None else and_(of_run, each.variant > above))
        .scalar_subquery()
    )
