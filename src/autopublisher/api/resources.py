"""Ad accounts and creatives, under ``/meta``."""

from typing import Annotated

from fastapi import APIRouter, Depends, File, Form, HTTPException, Query, Response, UploadFile, status

from autopublisher.api.access import AuthorisedFirstRoute, Caller, guarded, known_form_fields
from autopublisher.api.exact_json import ExactRoute
from autopublisher.api.fields import Identifier, ShortText
from autopublisher.api.openapi import problems
from autopublisher.api.presenters import present_account, present_creative
from autopublisher.api.reader import Reader
from autopublisher.api.schemas import EXAMPLE_REQUEST, AccountIn, AccountPatchIn
from autopublisher.api.services import Given
from autopublisher.api.views import AccountOut, AccountsOut, AddedCreativeOut, CreativesOut
from autopublisher.domain.access import Permission
from autopublisher.domain.ids import AccountId, ActId
from autopublisher.flows.requests.accounts import LARGEST_IMAGE
from autopublisher.flows.requests.pictures import warnings_of
from autopublisher.messages import render

LARGEST_UPLOAD = LARGEST_IMAGE + 1024 * 1024
"""Bytes of a whole multipart body: the image, and room for the parts around it."""

router = APIRouter(prefix="/meta", tags=["accounts"], route_class=ExactRoute)
uploads = APIRouter(
    prefix="/meta",
    tags=["accounts"],
    route_class=AuthorisedFirstRoute,
    dependencies=[Depends(known_form_fields)],
)


@router.get(
    "/accounts",
    summary="List ad accounts",
    responses=problems(401, 403, 503),
    **guarded(Permission.ACCOUNT_READ),
)
def accounts(services: Given) -> AccountsOut:
    """Return every ad account we may act on."""
    return AccountsOut(accounts=[present_account(one) for one in services.accounts.list_accounts()])


@router.post(
    "/accounts",
    summary="Register an ad account",
    status_code=status.HTTP_201_CREATED,
    responses=problems(400, 401, 403, 409, 413, 415, 422, 502, 503),
    **guarded(Permission.ACCOUNT_WRITE),
)
def register_account(asked: AccountIn, services: Given, user: Caller) -> AccountOut:
    """Register an ad account; its currency and time zone are read from Meta."""
    defaults = asked.defaults.to_domain()
    account = services.accounts.register(ActId(asked.act_id), asked.name, defaults, user.name)
    return present_account(account)


@router.patch(
    "/accounts/{account_id}",
    summary="Change an account's ad defaults and spend limits",
    responses=problems(400, 401, 403, 404, 413, 415, 422, 503),
    **guarded(Permission.ACCOUNT_WRITE),
)
def change_account(
    account_id: Identifier, asked: AccountPatchIn, services: Given, user: Caller
) -> AccountOut:
    """Change the defaults, limits and bets that are named; null clears one, what is left out stays."""
    limits = asked.model_dump(include={"daily_limit", "monthly_limit"}, exclude_unset=True)
    changes = asked.defaults.model_dump(exclude_unset=True)
    bets = asked.model_dump(include={"bet_loss_percent"}, exclude_unset=True)
    changed = services.accounts.change(AccountId(account_id), changes, limits, user.name, bets=bets)
    return present_account(changed)


@router.get(
    "/creatives",
    summary="List an account's creatives",
    responses=problems(401, 403, 404, 422, 503),
    **guarded(Permission.CREATIVE_READ),
)
def creatives(meta_account_id: Annotated[Identifier, Query()], services: Given) -> CreativesOut:
    """Return the creatives of an ad account."""
    found = services.accounts.list_creatives(AccountId(meta_account_id))
    return CreativesOut(creatives=[present_creative(one) for one in found])


@uploads.post(
    "/creatives",
    summary="Upload a creative",
    status_code=status.HTTP_201_CREATED,
    responses=problems(400, 401, 403, 404, 413, 422, 503),
    **guarded(Permission.CREATIVE_WRITE),
)
def upload_creative(
    *,
    file: Annotated[
        UploadFile, File(description="A PNG or JPEG image of at most 30 MB.", examples=["picture.png"])
    ],
    meta_account_id: Annotated[
        Identifier,
        Form(description="The account whose ads may show it.", examples=[EXAMPLE_REQUEST["meta_account_id"]]),
    ],
    name: Annotated[ShortText, Form(description="What it is called here.", examples=["Spring, blue"])],
    services: Given,
    user: Caller,
    response: Response,
    reader: Reader,
) -> AddedCreativeOut:
    """Keep an image for use in runs; the same image of the same account is kept once."""
    content = file.file.read(LARGEST_IMAGE + 1)
    if len(content) > LARGEST_IMAGE:
        raise HTTPException(status.HTTP_413_CONTENT_TOO_LARGE)
    creative = services.accounts.add_creative(AccountId(meta_account_id), name, content, user.name)
    response.headers["Location"] = f"/meta/creatives?meta_account_id={creative.account_id}"
    return AddedCreativeOut(
        **present_creative(creative).model_dump(),
        warnings=[render(one, reader) for one in warnings_of(content)],
    )
