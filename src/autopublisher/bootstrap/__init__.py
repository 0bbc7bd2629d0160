"""The composition root: builds every adapter and hands it on; nothing else in the product knows them."""

from autopublisher.bootstrap.product import Product, Work

__all__ = ["Product", "Work"]
