"""Routes that only show something: all of their work is done in one visit to a thread.

Who calls is found out, let in or refused, answered, and the answer is written as JSON. As dependencies these would be three
visits, each of which costs more than most of what is done there, and waits for the others where all threads are busy.
"""

import functools
import inspect
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from autopublisher.api.access import Credentials, bearer, caller
from autopublisher.api.exact_json import ExactRoute
from autopublisher.api.reader import reader_of
from autopublisher.api.services import Services, services_of
from autopublisher.domain.access import Permission, require

_REQUEST: Final = inspect.Parameter("request", inspect.Parameter.KEYWORD_ONLY, annotation=Request)
_TAKEN_OF_IT: Final = frozenset({"services", "reader"})
"""What work may ask for that is taken of the request here: the framework would need as long for it as for the rest."""


class ShowRoute(ExactRoute):
    """A route whose endpoint is ``shown_to`` somebody: who may not call is told that before what is wrong with the call."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the usual handler, which learns late who calls."""
        handle, permission = super().get_route_handler(), getattr(self.endpoint, "permission", None)

        async def ordered(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError:
                if permission is not None:
                    services = request.app.state.services
                    await run_in_threadpool(_admit, services, await bearer(request), permission)
                raise

        return ordered


def shown_to(
    permission: Permission,
) -> Callable[[Callable[..., BaseModel]], Callable[..., Coroutine[Any, Any, Response]]]:
    """Return a decorator that makes an endpoint of what answers holders of ``permission``, given the services by name."""

    def decorate(work: Callable[..., BaseModel]) -> Callable[..., Coroutine[Any, Any, Response]]:
        signature = inspect.signature(work)
        asked = signature.parameters

        @functools.wraps(work)
        async def endpoint(request: Request, **given: Any) -> Response:
            services, credentials = await services_of(request), await bearer(request)
            if "reader" in asked:
                given["reader"] = await reader_of(request)
            return await run_in_threadpool(answer, services, credentials, given)

        def answer(services: Services, credentials: Credentials, given: Mapping[str, Any]) -> Response:
            _admit(services, credentials, permission)
            made = work(services=services, **given).model_dump_json(by_alias=True)
            named = given["response"].headers if "response" in given else None
            return Response(made, headers=named, media_type="application/json")

        named = [
            one.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for name, one in asked.items()
            if name not in _TAKEN_OF_IT
        ]
        vars(endpoint).update(
            permission=permission, __signature__=signature.replace(parameters=[*named, _REQUEST])
        )
        return endpoint

    return decorate


def _admit(services: Services, credentials: Credentials, permission: Permission) -> None:
    require(caller(services, credentials).role, permission)
