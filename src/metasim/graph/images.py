"""Images of an account: uploaded as files or base64 text, found by the hash of their content."""

import base64
import binascii
import hashlib
import io
import struct
from typing import Any

from PIL import Image as Picture

from metasim.graph.errors import GraphError, missing, refusal
from metasim.graph.wire import Call, Params, Upload
from metasim.scenario import Account
from metasim.state import Creative, Image
from metasim.world import World

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "WEBP")
MOST_PIXELS = 50_000_000  # assumed
UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, struct.error)
Picture.MAX_IMAGE_PIXELS = None  # size is judged by the header before anything is decoded


def upload_images(world: World, account: Account, call: Call) -> dict[str, Any]:
    """Store the images of a call and return Meta's `images` answer; equal bytes are the same image."""
    if call.params.given("copy_from"):
        return {"images": {"copy": _receipt(_copied(world, account, call.params))}}
    uploads = list(call.files.values()) or [_inline(call.params)]
    images = {upload.filename: _store(world, account, upload) for upload in uploads}
    return {"images": {name: _receipt(image) for name, image in images.items()}}


def delete_image(world: World, account: Account, params: Params) -> dict[str, Any]:
    """Delete an image by hash unless a creative uses it."""
    wanted = params.need_text("hash")
    image = world.state.get(Image, f"{account.id}:{wanted}")
    if image is None or image.status == "DELETED":
        raise refusal(None, "Image not found", f"No image has the hash {wanted}.", "hash")
    if any(wanted in str(creative.extra) for creative in world.state.of_kind(Creative, account.id)):
        raise refusal(None, "Image in use", "The image is used by a creative.", "hash")
    image.status = "DELETED"
    world.state.touch(image)
    return {"success": True}


def images_by_hash(world: World, account: Account, params: Params) -> list[Image]:
    """Return an account's living images, only those with the asked hashes if any are named."""
    hashes = params.words("hashes")
    images = [image for image in world.state.of_kind(Image, account.id) if image.status != "DELETED"]
    return images if hashes is None else [image for image in images if image.hash in hashes]


def _inline(params: Params) -> Upload:
    text = params.text("bytes")
    if not text:
        raise missing("bytes")
    try:
        content = base64.b64decode(text.replace(" ", "+"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise _not_an_image() from error
    return Upload(params.text("name") or "bytes", content)


def _copied(world: World, account: Account, params: Params) -> Image:
    """Return the image that another of the user's accounts has, now in this one too."""
    wanted = params.table("copy_from") or {}
    source = str(wanted.get("source_account_id") or "").removeprefix("act_")
    found = world.state.get(Image, f"{source}:{wanted.get('hash')}")
    if found is None or found.status == "DELETED":
        raise refusal(None, "Image not found", "The source account has no such image.", "copy_from")
    return _keep(world, account, found.name, found.hash, found.extra)


def _not_an_image() -> GraphError:
    return refusal(None, "Image not readable", "The file is not an image of a supported format.", "bytes")


def _store(world: World, account: Account, upload: Upload) -> Image:
    digest = hashlib.md5(upload.content, usedforsecurity=False).hexdigest()
    return _keep(world, account, upload.filename, digest, _looks(_size(upload.content), digest))


def _keep(world: World, account: Account, name: str, digest: str, looks: dict[str, Any]) -> Image:
    node_id = f"{account.id}:{digest}"
    known = world.state.get(Image, node_id)
    now = world.now_us
    if known is None:
        known = Image(node_id, account.id, name, "ACTIVE", now, now, hash=digest)
        known.extra = dict(looks)
        world.state.add(known)
    known.status = "ACTIVE"
    world.state.touch(known)
    return known


def _looks(size: tuple[int, int], digest: str) -> dict[str, Any]:
    """Return size and address; the address leads nowhere, like Meta's after a while."""
    url = f"https://scontent.invalid/{digest}"
    looks: dict[str, Any] = {"url": url, "url_128": f"{url}?size=128", "permalink_url": f"{url}/permalink"}
    return looks | {
        "width": size[0],
        "height": size[1],
        "original_width": size[0],
        "original_height": size[1],
    }


def _size(content: bytes) -> tuple[int, int]:
    """Return the size of a picture that can be decoded whole. Raises GraphError for anything else."""
    try:
        with Picture.open(io.BytesIO(content), formats=FORMATS) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise _not_an_image()
            picture.load()
            return picture.size
    except UNREADABLE as error:
        raise _not_an_image() from error


def _receipt(image: Image) -> dict[str, Any]:
    receipt = {"hash": image.hash, "url": image.extra["url"], "name": image.name}
    receipt.update(
        {name: image.extra[name] for name in ("width", "height", "url_128") if name in image.extra}
    )
    return receipt
