"""Commands that keep everything in one file, and put it back."""

from pathlib import Path
from typing import Annotated

import typer

from autopublisher.bootstrap.backup import Manifest, make_backup, restore_backup
from autopublisher.cli.language import worded
from autopublisher.cli.output import tell
from autopublisher.cli.session import local_actor, settings_with_log
from autopublisher.domain.moments import moment_text

FileArgument = Annotated[Path, typer.Argument(help="help.the_backups_file", show_default=False)]


def backup(
    file: FileArgument,
    *,
    with_key: Annotated[
        bool,
        typer.Option("--with-key", help="help.also_keep_secret_key"),
    ] = False,
) -> None:
    """Write database, pictures and a manifest into one new file, while everything goes on."""
    path = file.expanduser().absolute()
    manifest = make_backup(settings_with_log(), path, with_key=with_key)
    tell(f"{path}: {_content(manifest)}, as of {_moment(manifest)}.")
    for key in manifest.missing_pictures:
        tell(worded("picture_missing", key=str(key)), style="yellow")
    if not with_key:
        tell(worded("key_not_in_backup"))


def restore(
    file: FileArgument,
    *,
    replace: Annotated[bool, typer.Option("--replace", help="help.also_where_the_database")] = False,
    take_over: Annotated[
        bool,
        typer.Option("--take-over", help="help.write_to_its_ad"),
    ] = False,
) -> None:
    """Replace everything by what a backup holds; nothing is written to Meta before it has been compared with it."""
    path = file.expanduser().absolute()
    settings = settings_with_log()
    manifest = restore_backup(settings, path, local_actor(), replace=replace, take_over=take_over)
    tell(worded("restored", content=_content(manifest), at=_moment(manifest)))
    tell(worded("tokens_ended"))
    tell(worded("nothing_but_pauses"))
    if not take_over:
        tell(worded("take_over_first"))
    if manifest.has_key:
        place = settings.home / "secret_key"
        tell(worded("secret_key" if settings.is_stub else "secret_key_live", place=str(place)))


def _content(manifest: Manifest) -> str:
    return worded(
        "backup_content",
        runs=manifest.rows["runs"],
        accounts=manifest.rows["accounts"],
        pictures=manifest.pictures,
    )


def _moment(manifest: Manifest) -> str:
    return moment_text(manifest.taken_at)
