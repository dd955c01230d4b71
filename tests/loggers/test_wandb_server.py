from __future__ import annotations

from pathlib import Path

import pytest

from entreg.loggers import wandb_offline_reason, wandb_server
from tests.system.wandb_server import WandbServer

HOST = "https://wandb.example"


def test_no_login_means_offline(workplace: Path) -> None:
    assert wandb_offline_reason(HOST) == "not logged in"


@pytest.mark.parametrize("login", ["key", "netrc"])
def test_a_login_that_reaches_the_server_is_online(
    login: str, server: WandbServer, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if login == "key":
        monkeypatch.setenv("WANDB_API_KEY", "k" * 40)
    else:
        (workplace / "home").mkdir()
        (workplace / "home" / ".netrc").write_text("machine 127.0.0.1 login user password key\n")
    assert wandb_offline_reason(server.url) is None
    server.close()
    assert "127.0.0.1 cannot be reached" in (wandb_offline_reason(server.url) or "")


@pytest.mark.parametrize(
    ("outage", "reason"),
    [
        ("hang", "127.0.0.1 cannot be reached (timed out)"),
        ("503", "127.0.0.1 answers 503 Service Unavailable"),
        ("404", None),  # it is there; what lies at the root of a server is its own affair
    ],
)
def test_a_server_that_gives_no_answer_is_offline(
    outage: str, reason: str | None, server: WandbServer, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "k" * 40)
    monkeypatch.setattr(wandb_server, "_ANSWER_SECONDS", 0.5)
    server.outage(outage)
    assert wandb_offline_reason(server.url) == reason


def test_a_proxy_is_asked(server: WandbServer, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "k" * 40)
    monkeypatch.setenv("http_proxy", server.url)
    assert wandb_offline_reason("http://wandb.example") is None
    server.close()
    assert "wandb.example cannot be reached" in (wandb_offline_reason("http://wandb.example") or "")
