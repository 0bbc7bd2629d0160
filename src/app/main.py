"""``uvicorn app.main:app``: the whole product behind a server that somebody else starts.

``autopublisher serve`` is the better way: it waits for the database, closes slow connections and believes no proxy it is
not told of.
"""

from contextlib import ExitStack

from anyio import to_thread
from starlette.types import ASGIApp, Receive, Scope, Send

from autopublisher.bootstrap import Product, Work
from autopublisher.bootstrap.logs import log_to_file
from autopublisher.bootstrap.private_home import own_home
from autopublisher.domain.errors import AutoPublisherError
from autopublisher.settings import Settings


class ServedProduct:
    """ASGI application that starts the product when its server starts, and ends it when that ends."""

    def __init__(self) -> None:
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or live through the server's life; a server that knows no lifespan gets a RuntimeError."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif self._app is None:
            raise RuntimeError(
                "the product is not started: serve it with a server that sends lifespan events"
            )
        else:
            await self._app(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        with ExitStack() as life:
            try:
                self._app = await to_thread.run_sync(_started, life)
            except AutoPublisherError as error:
                told = f"{error.message} {error.remedy or ''}".strip()
                await send({"type": "lifespan.startup.failed", "message": told})
                return
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await to_thread.run_sync(life.pop_all().close)
        await send({"type": "lifespan.shutdown.complete"})


def _started(life: ExitStack) -> ASGIApp:
    settings = Settings.load()
    own_home(settings)
    log_to_file(settings.home, settings.auto_publisher_log_level)
    return life.enter_context(Product(settings, Work.HERE)).app()


app = ServedProduct()
