"""A run as a row: nested values in the code, the names that rows have always had in the database."""

from autopublisher.adapters.db.runs import run_to_row
from unit.domain.samples import run_of

DETAILS = """
    created_by request_digest control_by restoration adopts ends_as ending_at failed_ticks unread_ticks objective
    plan_digest business_id randomised study_seen_at build_starts_at build_ends_at test_starts_at test_ends_at
    poll_minutes edited_at interrupted_at stopped_at settles_at eliminated allocated_at moving memory further_days winner
    leader proven approval approval_expires_at final_budget way report attention failure warnings
"""


def test_what_a_row_remembers_of_a_run_keeps_its_names_and_their_order() -> None:
    row = run_to_row(run_of())
    assert list(row["details"]) == DETAILS.split()
    assert "ended_at" in row
