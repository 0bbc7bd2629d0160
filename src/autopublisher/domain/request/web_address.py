"""Web addresses of ads: the domain that an ad's conversions are reported for."""

from functools import cache
from ipaddress import ip_address
from urllib.parse import urlsplit

from publicsuffixlist import PublicSuffixList


def registrable_domain(address: str) -> str | None:
    """Return the part of an address that somebody can register, as Meta wants it: ``example.co.uk``.

    International names come out in their ASCII form. None where there is nothing of the kind: an address of numbers, a
    single word, or a public suffix by itself such as ``co.uk``. https://publicsuffix.org says what suffixes there are; the
    list is the one that came with the library.
    """
    try:
        host = (urlsplit(address).hostname or "").rstrip(".").encode("idna").decode("ascii").lower()
    except (ValueError, UnicodeError):
        return None
    return None if _is_number(host) else _suffixes().privatesuffix(host)


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


def _is_number(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
