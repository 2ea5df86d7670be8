"""Settings: read from the environment and from files; what is wrong is told by name, never by value."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.settings import Settings, SettingsError, environment, load, unknown_variables, without_secrets

CANARY = "canary-4711"


@pytest.fixture(autouse=True)
def read_anew() -> Iterator[None]:
    load.cache_clear()
    yield
    load.cache_clear()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PARTITIONS", CANARY),
        ("KAFKA_TLS", CANARY),
        ("KAFKA_SASL_MECHANISM", CANARY),
        ("NAMESPACE", f"{CANARY}/.."),
        ("PUSH_PORT", "99999"),
        ("METRICS_PORT", "65535"),
        ("KAFKA_PASSWORD_FILE", "/nowhere/at/all"),
        ("KAFKA_CA_FILE", f"/nowhere/{CANARY}"),
        ("ELASTICSEARCH_CA_FILE", f"/nowhere/{CANARY}"),
        ("KAFKA_USER", CANARY),
        ("STATE_DIR", __file__),
        ("KAFKA_BOOTSTRAP", f"kafka://{CANARY}:9092"),
        ("KAFKA_BOOTSTRAP", CANARY),
        ("TRITON_URL", f"http://{CANARY}:8001"),
        ("ELASTICSEARCH_URL", f"https://me:{CANARY}@search.example:9200"),
        ("ELASTICSEARCH_URL", f"{CANARY}:9200"),
        ("ELASTICSEARCH_URL", f"https://{CANARY}"),
    ],
)
def test_a_wrong_value_is_told_by_the_name_of_its_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """The message names the variable and the fault; the value, which may be a secret, is not in it."""
    monkeypatch.setenv(f"TOCSIN_{variable}", value)
    with pytest.raises(SettingsError, match=f"TOCSIN_{variable}") as caught:
        load()
    assert CANARY not in str(caught.value)


def test_a_secret_comes_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A secret in a file is read without its last newline, and no repr shows it."""
    (tmp_path / "key").write_text(f"{CANARY}\n")
    monkeypatch.setenv("TOCSIN_ELASTICSEARCH_API_KEY_FILE", str(tmp_path / "key"))
    settings = load()
    assert settings.elasticsearch_api_key.get_secret_value() == CANARY
    assert CANARY not in repr(settings)


def test_a_secret_that_is_no_text_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A binary file is named, and none of its bytes."""
    (tmp_path / "key").write_bytes(b"\xff\xfe" + CANARY.encode())
    monkeypatch.setenv("TOCSIN_WEBHOOK_SECRET_FILE", str(tmp_path / "key"))
    with pytest.raises(SettingsError, match=r"TOCSIN_WEBHOOK_SECRET_FILE: .* is not UTF-8 text") as caught:
        load()
    assert "0xff" not in str(caught.value)


def test_a_value_goes_before_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What a parent hands down is not undone by a file that the child's environment names too."""
    (tmp_path / "secret").write_text("of the file")
    monkeypatch.setenv("TOCSIN_WEBHOOK_SECRET_FILE", str(tmp_path / "secret"))
    monkeypatch.setenv("TOCSIN_WEBHOOK_SECRET", CANARY)
    assert load().webhook_secret.get_secret_value() == CANARY


def test_a_child_process_gets_the_same_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The variables made of settings give those settings back, secrets included."""
    given = Settings(state_dir=tmp_path, partitions=7, namespace="night", push_token=CANARY, snapshot_every=0.5)
    for name, value in environment(given).items():
        monkeypatch.setenv(name, value)
    assert load() == given


def test_misspelt_variables_are_told_with_what_was_meant() -> None:
    """A variable that is no setting is named with the nearest one; settings, their files and others' are not."""
    names = [
        *("TOCSIN_PARTITION", "TOCSIN_KAFKA_BOOTSTRAPS", "TOCSIN_ZZ", "tocsin_push_prt"),
        *("TOCSIN_PARTITIONS", "tocsin_partitions", "TOCSIN_KAFKA_PASSWORD_FILE", "TOCSIN_LANG", "TOCSIN_DATA", "PATH"),
    ]
    assert unknown_variables(names) == {
        "TOCSIN_PARTITION": "TOCSIN_PARTITIONS",
        "TOCSIN_KAFKA_BOOTSTRAPS": "TOCSIN_KAFKA_BOOTSTRAP",
        "TOCSIN_ZZ": "",
        "tocsin_push_prt": "TOCSIN_PUSH_PORT",
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kafka_bootstrap", "127.0.0.1:9092"),
        ("kafka_bootstrap", "a.example:9092, b.example:9092,[::1]:9093"),
        ("triton_url", "triton:8001"),
        ("elasticsearch_url", "https://search.example:9243/prefix"),
        ("elasticsearch_url", "http://[::1]:9200"),
    ],
)
def test_addresses_as_people_write_them_are_taken(name: str, value: str) -> None:
    """Lists, IPv6 and a path in front of Elasticsearch are fine."""
    assert getattr(Settings(**{name: value}), name) == value  # type: ignore[arg-type]


def test_a_wrong_value_is_in_no_error_of_ours() -> None:
    """A secret put where a number belongs does not come back in the exception's words."""
    with pytest.raises(ValueError, match="push_port") as caught:
        Settings(push_port=CANARY)  # type: ignore[arg-type]
    assert CANARY not in str(caught.value)


def test_secrets_are_left_out_for_processes_that_need_none() -> None:
    """Neither the secret nor the name of its file; everything else stays."""
    variables = {"TOCSIN_PUSH_TOKEN": CANARY, "tocsin_kafka_password": CANARY, "TOCSIN_WEBHOOK_SECRET_FILE": "/x"}
    assert without_secrets(variables | {"TOCSIN_PARTITIONS": "4", "PATH": "/bin"}) == {
        "TOCSIN_PARTITIONS": "4",
        "PATH": "/bin",
    }
