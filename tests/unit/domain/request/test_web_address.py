"""The domain that conversions are reported for: registrable, whatever stands before it."""

import pytest

from autopublisher.domain.request.web_address import registrable_domain


@pytest.mark.parametrize(
    ("address", "domain"),
    [
        ("https://example.com/offer", "example.com"),
        ("https://shop.example.com/offer?x=1#y", "example.com"),
        ("https://www.example.com", "example.com"),
        ("HTTPS://WWW.Example.COM:8443/a", "example.com"),
        ("https://a.b.example.co.uk/", "example.co.uk"),
        ("https://www.tienda.com.pe/", "tienda.com.pe"),
        ("https://someone.myshopify.com/products/1", "someone.myshopify.com"),
        ("https://user@www.example.com./x", "example.com"),
        ("https://tienda.españa.es/oferta", "xn--espaa-rta.es"),
    ],
)
def test_what_stands_before_the_registrable_domain_is_left_out(address: str, domain: str) -> None:
    assert registrable_domain(address) == domain


@pytest.mark.parametrize(
    "address",
    [
        "https://co.uk/",
        "https://com",
        "https://localhost/x",
        "https://192.0.2.7/x",
        "https://[2001:db8::1]/x",
        "no address",
        "",
        "https://" + "a" * 70 + ".com",
        "https://[/",
    ],
)
def test_an_address_without_a_registrable_domain_has_none(address: str) -> None:
    assert registrable_domain(address) is None
