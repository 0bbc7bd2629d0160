"""Commands that keep everything in one file, and put it back."""

from pathlib import Path
from typing import Annotated

import typer

from autopublisher.bootstrap.backup import Manifest, make_backup, restore_backup
from autopublisher.cli.output import tell
from autopublisher.cli.session import local_actor, settings_with_log
from autopublisher.domain.moments import moment_text

FileArgument = Annotated[Path, typer.Argument(help="The backup's file.", show_default=False)]


def backup(
    file: FileArgument,
    *,
    with_key: Annotated[
        bool,
        typer.Option("--with-key", help="Also keep SECRET_KEY in it, without which every token is void."),
    ] = False,
) -> None:
    """Write database, pictures and a manifest into one new file, while everything goes on."""
    path = file.expanduser().absolute()
    manifest = make_backup(settings_with_log(), path, with_key=with_key)
    tell(f"{path}: {_content(manifest)}, as of {_moment(manifest)}.")
    for key in manifest.missing_pictures:
        tell(f"The picture {key} was not in the store any more, so it is not in the backup.", style="yellow")
    if not with_key:
        tell("The secret key is not in it; keep SECRET_KEY apart, or give --with-key.")


def restore(
    file: FileArgument,
    *,
    replace: Annotated[
        bool, typer.Option("--replace", help="Also where the database holds runs; they are lost.")
    ] = False,
    take_over: Annotated[
        bool,
        typer.Option(
            "--take-over", help="Write to its ad accounts again; whoever did before is stopped for good."
        ),
    ] = False,
) -> None:
    """Replace everything by what a backup holds; nothing is written to Meta before it has been compared with it."""
    path = file.expanduser().absolute()
    settings = settings_with_log()
    manifest = restore_backup(settings, path, local_actor(), replace=replace, take_over=take_over)
    tell(f"Restored {_content(manifest)}, as of {_moment(manifest)}.")
    tell(
        "All tokens and sessions have ended: sign in again, and issue API tokens anew. Passwords are those of then."
    )
    tell("Until an account has been compared with what Meta shows, nothing is written there but pauses.")
    if not take_over:
        tell("It may not write to its ad accounts until you say 'autopublisher account take-over ACCOUNT'.")
    if manifest.has_key:
        place = settings.home / "secret_key"
        tell(f"Its secret key is in {place}" + ("." if settings.is_stub else "; live mode takes SECRET_KEY."))


def _content(manifest: Manifest) -> str:
    return f"{manifest.rows['runs']} run(s), {manifest.rows['accounts']} account(s), {manifest.pictures} picture(s)"


def _moment(manifest: Manifest) -> str:
    return moment_text(manifest.taken_at)
