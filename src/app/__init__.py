"""The names under which the brief starts and tests the product; everything is in ``autopublisher``."""
