"""What is wrong with an answer of Meta that cannot be used, or with a question to it."""

from autopublisher.domain.errors import MetaError
from autopublisher.domain.messages import Code, Message, said_of


class MetaFault(Code):
    """The message of an error about Meta that is our own and not Meta's."""

    NO_IMAGE = "meta_fault.no_image"
    UPLOADED_ONLY = "meta_fault.uploaded_only"
    TOTAL_TOO_SMALL = "meta_fault.total_too_small"
    SEVERAL_ROWS = "meta_fault.several_rows"
    NO_BUSINESS = "meta_fault.no_business"
    IMAGE_ID = "meta_fault.image_id"
    PAGES_IN_CIRCLES = "meta_fault.pages_in_circles"
    EMPTY_PAGES = "meta_fault.empty_pages"
    ZONE_UNKNOWN = "meta_fault.zone_unknown"
    UPLOAD_WITHOUT_HASH = "meta_fault.upload_without_hash"
    OBJECT_WITHOUT_ID = "meta_fault.object_without_id"
    CHANGE_WITHOUT_SUCCESS = "meta_fault.change_without_success"
    PAGE_WITHOUT_ROWS = "meta_fault.page_without_rows"
    PAGE_ELSEWHERE = "meta_fault.page_elsewhere"
    PAGE_WITHOUT_CURSOR = "meta_fault.page_without_cursor"
    NO_MINIMUMS = "meta_fault.no_minimums"
    WITHOUT = "meta_fault.without"
    NOT_A_NUMBER = "meta_fault.not_a_number"
    FIGURE = "meta_fault.figure"
    WITH_USERS = "run.error_with_users"
    NO_ANSWER = "meta_fault.no_answer"
    NOT_UNDERSTOOD = "meta_fault.not_understood"


def said_by_meta(error: MetaError) -> Message:
    """Return what Meta says of a refusal, with the sentence that it has for people."""
    said = said_of(error)
    return MetaFault.WITH_USERS(error=said, user_message=error.user_message) if error.user_message else said


class Difference(Code):
    """How Meta shows something else than was asked of it."""

    SHOWN = "difference.shown"
    MISSING = "difference.missing"
    OF = "difference.of"


class FigureRemark(Code):
    """What of a variant's figures was read otherwise than Meta wrote it; goes on the variant's name."""

    REFUNDED = "figure.refunded"
    ESTIMATED = "figure.estimated"
