"""Keys are made, read and compared without doubt about where one part ends."""

from webapp.domain.api_keys import NewKey, hash_secret, new_key, read_key


def test_a_new_key_can_be_read_and_proves_its_own_hash_only():
    key, other = new_key("production"), new_key("production")
    parts = read_key(key.text)
    assert parts is not None and parts.key_id == key.key_id
    assert parts.proves(key.secret_hash)
    assert not parts.proves(other.secret_hash)


def test_underscores_and_dashes_in_the_secret_do_not_move_its_start():
    secret = "_-" * 21 + "_"
    parts = read_key(f"ab_live_a1B2c3D4_{secret}")
    assert parts is not None
    assert (parts.key_id, parts.secret) == ("a1B2c3D4", secret)


def test_what_is_shown_and_stored_of_a_key_does_not_hold_the_secret():
    key = new_key()
    assert isinstance(key, NewKey)
    secret = key.text[-43:]
    assert key.secret_hash == hash_secret(secret)
    assert key.last_four == secret[-4:]
    assert len(key.key_id) == 8


def test_the_environment_becomes_a_readable_part_without_underscores():
    assert new_key("Prod EU_1").text.startswith("ab_prod-eu-1_")
    assert new_key("  ").text.startswith("ab_live_")
    assert new_key("스테이징").text.startswith("ab_live_")


def test_texts_that_are_no_key_of_ours_are_refused():
    good = new_key().text
    for text in ("", "ab", good[:-1], good + "x", good.replace("ab_", "xx_", 1), "Bearer " + good, good + "\n" + good):
        assert read_key(text) is None
    assert read_key(f" {good}\n") is not None
