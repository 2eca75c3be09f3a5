"""What is cut out of a file, what is not, and that every place is told."""

from __future__ import annotations

import pytest

from webapp.importers.secret_words import REMOVED, find_secrets, is_secret_name
from webapp.importers.secrets import ID, KEEP, PLAIN, cut_secrets

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
BODY = "MIIEpAIBAAKCAQEA0m59l2u9iDnMbrXHfqkOrn2dVQ3vfBJqcDuFUK03d"
PEM = f"-----BEGIN RSA PRIVATE KEY-----\n{BODY}\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("use sk-proj-abcDEF1234567890abcd now", "sk-proj-abcDEF1234567890abcd"),
        ("ghp_abcdefghijklmnopqrstuvwxyz0123456789", "ghp_abcdefghijklmnopqrstuvwxyz0123456789"),
        ("AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
        ("token xoxb-1234567890-abcdefghij", "xoxb-1234567890-abcdefghij"),
        (f"curl -H 'Authorization: Bearer {JWT}'", JWT),
        (PEM, BODY),
        ("postgres://app:hunter2@db.example/app", "hunter2"),
        ("https://api.example/v1?q=x&api_key=abc123def456&y=1", "abc123def456"),
        ("https://api.example/v1?key=abc123def456", "abc123def456"),
        ("Authorization: Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA=="),
        ("Content-Type:application/json\nX-API-Key:abc123def456", "abc123def456"),
        ('client = OpenAI(api_key="plainkey")', "plainkey"),
        ("{'password': 'correct-horse'}", "correct-horse"),
        ('{\\"apiKey\\": \\"plainkey99\\"}', "plainkey99"),
        ("const clientSecret = `plainkey99`", "plainkey99"),
        ("DB_PASSWORD=hunter2hunter2", "hunter2hunter2"),
        ("x = 'q7Rk2Zp9Lw4Tn8Vb3Mc6Xd1Jf5Gh0'", "q7Rk2Zp9Lw4Tn8Vb3Mc6Xd1Jf5Gh0"),
        ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYzqQ7KEYab1", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzqQ7KEYab1"),
        ("bot 123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw", "AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"),
    ],
)
def test_a_secret_in_a_text_is_cut(text, secret):
    clean, kinds = find_secrets(text)
    assert secret not in clean
    assert REMOVED in clean
    assert kinds
    assert find_secrets(clean) == (clean, ())


@pytest.mark.parametrize(
    "text",
    [
        "Explain what a bearer token is and why a password must be secret.",
        "Keep the token: it is the ticket you were given. Authorization: ask your manager.",
        "550e8400-e29b-41d4-a716-446655440000",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "reactflow__edge-ChatInput-jFwUm{œdataTypeœ:œChatInputœ,œidœ:œChatInput-jFwUmœ}",
        "getUserAccountDetailsByEmailAddressV2Beta",
        "langgenius/openai:0.0.23@5b670a358c9d1293a4d74e0000aa11bb22cc33dd44ee55ff6677889900aabbcc",
        "data:image/png;base64," + "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ" * 8,
        "https://docs.google.com/spreadsheets/d/19VwKRDbsh8uU6xitnTXUjk1u73XCGThzyE8nv1YsP24/edit#gid=0",
        "https://framerusercontent.com/images/JOvrseuQKRFSf0TBU7oMiRfkkg.png",
        "Authorization: Bearer {{ $json.token }}",
        "Authorization: Bearer {{#env.API_KEY#}}",
        'api_key = os.environ["OPENAI_API_KEY"]',
        'client = OpenAI(api_key="YOUR_API_KEY")',
        "https://api.example/?api_key={{key}}&token=${TOKEN}",
        "password = data['password']",
        "token = response.json()",
        "最大 token 数：4096，请输入密码：由用户提供",
        '{"token": {"type": "string"}, "required": ["token"]}',
    ],
)
def test_what_is_no_secret_stays(text):
    assert find_secrets(text) == (text, ())


@pytest.mark.parametrize(
    ("name", "is_secret"),
    [
        ("api_key", True),
        ("openAIApiKey", True),
        ("X-API-Key", True),
        ("Authorization", True),
        ("db_password", True),
        ("accessToken", True),
        ("GITHUB_TOKEN", True),
        ("clientSecret", True),
        ("max_tokens", False),
        ("maxTokens", False),
        ("page_token", False),
        ("tokenizer", False),
        ("authorName", False),
        ("key", False),
        ("passwordPolicy", False),
        ("secretary", False),
    ],
)
def test_names_of_fields_that_hold_secrets(name, is_secret):
    assert bool(is_secret_name(name)) is is_secret


def test_a_field_with_such_a_name_is_cut_whole_and_its_place_told():
    clean, removed = cut_secrets({"a": [{"password": "short", "port": 5432}], "pin_password": 123456})
    assert clean == {"a": [{"password": REMOVED, "port": 5432}], "pin_password": REMOVED}
    assert [secret.place for secret in removed] == ["a[0].password", "pin_password"]


def test_a_value_named_by_its_sibling_or_parent_is_cut():
    clean, _ = cut_secrets(
        {
            "headers": [{"name": "Authorization", "value": "plain"}, {"name": "Accept", "value": "text/html"}],
            "tool_parameters": {"token": {"type": "constant", "value": "plain"}},
        }
    )
    assert clean["headers"] == [{"name": "Authorization", "value": REMOVED}, {"name": "Accept", "value": "text/html"}]
    assert clean["tool_parameters"]["token"] == {"type": "constant", "value": REMOVED}


def test_references_placeholders_and_empty_fields_are_no_secrets():
    document = {
        "api_key": "{{#env.KEY#}}",
        "token": "",
        "password": None,
        "secret": "<your secret>",
        "accessToken": "={{ $json.token }}",
        "authorization": {"type": "no-auth"},
        "apiKey": "YOUR_API_KEY",
    }
    assert cut_secrets(document) == (document, ())


def test_a_format_can_say_more():
    def rule(row, name):
        return {"credential": "credential id", "kept": KEEP, "token": PLAIN, "number": ID}.get(name)

    random = "q7Rk2Zp9Lw4Tn8Vb3Mc6Xd1Jf5Gh0"
    document = {"credential": {"id": 4}, "kept": random, "token": "word", "number": random, "other": random}
    clean, removed = cut_secrets(document, rule)
    assert clean == {"credential": REMOVED, "kept": random, "token": "word", "number": random, "other": REMOVED}
    assert [(secret.place, secret.kind) for secret in removed] == [
        ("credential", "credential id"),
        ("other", "long random text"),
    ]


def test_names_that_held_secrets_stay_apart():
    clean, removed = cut_secrets({"sk-aaaaaaaaaaaaaaaa1": 1, "sk-bbbbbbbbbbbbbbbb2": 2})
    assert sorted(clean.values()) == [1, 2]
    assert len(removed) == 2
    assert "sk-" not in str((clean, removed))


def test_very_many_secrets_are_cut_and_summed_up():
    clean, removed = cut_secrets([{"password": f"secret-{at}"} for at in range(1_500)])
    assert all(row == {"password": REMOVED} for row in clean)
    assert (len(removed), removed[-1].kind) == (1_001, "500 more")
