"""Only paths of this host are followed after a sign-in (ASVS 3.7.2)."""

import pytest

from webapp.domain.local_paths import local_path


@pytest.mark.parametrize(
    "path",
    ["/", "/executions", "/executions?status=failed&q=a%2Fb", "/executions?q=https://example.org", "/a/b#part",
     "/search?q=한글", "/executions?q=a%0Ab", "/executions/?next=//x"],
)  # fmt: skip
def test_local_paths_are_kept(path):
    assert local_path(path) == path


@pytest.mark.parametrize(
    "address",
    [
        None, "", "executions", "https://evil.example", "//evil.example", "///evil.example", "/\\evil.example",
        "\\\\evil.example", "/\\/evil.example", "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x",
        "/%2Fevil.example", "/%5Cevil.example", "/%252Fevil.example", "%2F%2Fevil.example", "/\t/evil.example",
        "\t//evil.example", " //evil.example", "/\n/evil.example", "/%09/evil.example", "/%0d%0aSet-Cookie:x=1",
        "http:evil.example", "//[::1", "/a?b\r\nSet-Cookie: x=1", "/" + "a" * 2_000,
        "mailto:x@example.org", "@evil.example",
    ],
)  # fmt: skip
def test_everything_else_leads_to_the_start(address):
    assert local_path(address) == "/"
