"""The whole product, for the commands that need it."""

from typing import TYPE_CHECKING

from autopublisher.cli.session import settings_with_log

if TYPE_CHECKING:
    from autopublisher.bootstrap import Product


def product_of(*, may_work: bool = False) -> "Product":
    """Return the product for these settings, not yet started; it runs ticks if it may and nobody else does."""
    # A command beside others that need no more than the database is not to load it.
    from autopublisher.bootstrap import Product, Work  # noqa: PLC0415 - see above

    return Product(settings_with_log(), Work.IF_FREE if may_work else Work.NONE)
