"""The demo's pictures are good creatives, and not the same one twice."""

from autopublisher.cli.demo_seed import picture
from autopublisher.domain.creatives.pictures import picture_warnings
from autopublisher.flows.requests.pictures import read_picture


def test_both_are_accepted_as_creatives_without_a_warning() -> None:
    found = [read_picture(picture(name)) for name in ("creative_a.png", "creative_b.png")]
    assert [picture_warnings(each) for each in found] == [(), ()]


def test_they_are_two_pictures() -> None:
    assert picture("creative_a.png") != picture("creative_b.png")
