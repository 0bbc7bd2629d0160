"""The composition root: builds every adapter and hands it on; nothing else in the product knows them.

The product is loaded on first use: a command that only reads the database starts without it.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autopublisher.bootstrap.product import Product, Work

__all__ = ["Product", "Work"]


def __getattr__(name: str) -> Any:
    """Return the product's class, or the kinds of work it can do."""
    if name not in __all__:
        raise AttributeError(name)
    return getattr(importlib.import_module("autopublisher.bootstrap.product"), name)
