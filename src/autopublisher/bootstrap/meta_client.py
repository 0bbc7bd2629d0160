"""The client of Meta's API, as the settings describe it."""

from autopublisher.adapters.meta.client import SdkMetaAds
from autopublisher.adapters.meta.session import Credentials, Timeouts
from autopublisher.ports.clock import Clock
from autopublisher.settings import Settings


def client_of(settings: Settings, clock: Clock, meta_url: str) -> SdkMetaAds:
    """Return the client of Meta's API for these settings, not yet entered."""
    secret = settings.meta_app_secret
    credentials = Credentials(
        settings.access_token,
        settings.meta_app_id,
        None if secret is None else secret.get_secret_value(),
    )
    return SdkMetaAds(credentials, clock, meta_url, Timeouts(read=settings.meta_timeout_seconds))
