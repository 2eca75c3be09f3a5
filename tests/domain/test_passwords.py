"""Which passwords are taken (ASVS 6.2.1, 6.2.3, 6.2.4, 6.2.5, 6.2.8, 6.2.9, 6.2.12)."""

import pytest

from webapp.domain.passwords import COMMON, MAX_LENGTH, MIN_LENGTH, common_passwords, is_repetition, password_problem

MAIL = "minji.seo@hanbit.example"


@pytest.mark.parametrize(
    "password",
    [
        "plain lowercase words",
        "aaaa bbbb cccc dddd",
        "48207115930274",
        "비밀번호는 아주 길게 씁니다",
        "🐎🔋📎✅🐎🔋📎✅🦆🦆🦆🦉",
        "x" * 60 + " and some more to pass sixty-four",
        " blanks at both ends count ",
        "' OR 1=1; DROP TABLE users --",
    ],
)
def test_any_long_password_is_taken_whatever_its_characters(password):
    assert password_problem(password, email=MAIL) is None


def test_length_is_bounded_on_both_sides_and_never_cut():
    word = "correct-horse-batteries-" * 20
    assert "at least 12" in password_problem(word[: MIN_LENGTH - 1], email=MAIL)
    assert password_problem(word[:MIN_LENGTH], email=MAIL) is None
    assert password_problem(word[:MAX_LENGTH], email=MAIL) is None
    assert "at most 256" in password_problem(word[: MAX_LENGTH + 1], email=MAIL)


@pytest.mark.parametrize(
    "password",
    [
        "password1234", "PassWord1234", "qwertyuiop123", "1qaz2wsx3edc", "123456789012", "abcdefghijkl", "987654321098",
        "aaaaaaaaaaaaaaa", "abcabcabcabc", "agenticbuilder", "administrator", "changeme1234", "iloveyou1234",
    ],
)  # fmt: skip
def test_what_is_guessed_first_is_refused(password):
    assert "guessed" in password_problem(password, email=MAIL)


@pytest.mark.parametrize(
    "password", ["minji.seo@hanbit.example", "Minji.Seo@Hanbit.Example", "minji.seo2026!", "MINJI.SEO-1234"]
)
def test_the_own_address_is_refused(password):
    assert "email address" in password_problem(password, email=MAIL)


def test_a_number_is_not_taken_for_an_address():
    assert password_problem("8204-7115-9302", email=MAIL) is None


def test_the_list_holds_only_what_the_length_would_let_through():
    words = COMMON.read_text(encoding="utf-8").split()
    assert len(words) == len(common_passwords()) > 2_000
    assert all(len(word) >= MIN_LENGTH and word == word.casefold() for word in words)


@pytest.mark.parametrize(
    ("text", "is_repeated"),
    [("ababababab", True), ("abcdefg", True), ("gfedcba", True), ("90123456", True), ("abcdefh", False)],
)
def test_repetition(text, is_repeated):
    assert is_repetition(text) is is_repeated
