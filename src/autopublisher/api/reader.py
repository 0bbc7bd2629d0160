"""The language a caller reads, by the ``Accept-Language`` header."""

from typing import Annotated

from fastapi import Depends, Request

from autopublisher.api.middleware import LANGUAGE_KEY
from autopublisher.messages import Language, language_of


async def reader_of(request: Request) -> Language:
    """Return the caller's language, English where they name none of ours, and note that the answer is in it."""
    language = language_of(None, None, request.headers.get("accept-language"))
    request.scope[LANGUAGE_KEY] = language
    return language


Reader = Annotated[Language, Depends(reader_of)]
"""The language of who asks."""
