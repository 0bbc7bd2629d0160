"""The whole product, for the commands that need it."""

from autopublisher.bootstrap import Product, Work
from autopublisher.cli.session import settings_with_log


def product_of(work: Work = Work.NONE) -> Product:
    """Return the product for these settings, not yet started."""
    return Product(settings_with_log(), work)
