"""W&B's server: whether there is a login, whether it answers, and what its client raises."""

from __future__ import annotations

import netrc
import os
import ssl
import sys
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

from entreg.errors import ConfigError

_ANSWER_SECONDS = 5  # in which W&B has to answer
_GATEWAY_ERRORS = (502, 503, 504)  # of a proxy whose server is away


def wandb_errors() -> tuple[type[Exception], ...]:
    """What W&B raises, for an ``except`` clause; nothing where it is not in use."""
    wandb = sys.modules.get("wandb")
    return () if wandb is None else (wandb.Error,)


def wandb_trouble() -> tuple[type[Exception], ...]:
    """What a call of W&B can end in: what it raises, and ``OSError`` if its process has ended or files fail it."""
    return (*wandb_errors(), OSError)


def wandb_offline_reason(base_url: str) -> str | None:
    """Why W&B has to work offline: no login, or no answer; ``None`` if it can be online."""
    return wandb_unreachable(base_url) if is_logged_in(base_url) else "not logged in"


def wandb_unreachable(base_url: str) -> str | None:
    """Why the server of W&B cannot be reached, through the environment's proxy if it has one; ``None`` if it answers.

    Any answer will do, and it is asked without the key: whether the key is good, W&B itself will say.
    """
    unverified = ssl.create_default_context()  # only asks for an answer: W&B's client verifies the server
    unverified.check_hostname, unverified.verify_mode = False, ssl.CERT_NONE
    host = urlsplit(base_url).hostname
    try:
        urlopen(base_url, timeout=_ANSWER_SECONDS, context=unverified).close()
    except HTTPError as error:
        return f"{host} answers {error.code} {error.reason}" if error.code in _GATEWAY_ERRORS else None
    except (OSError, HTTPException) as error:
        return f"{host} cannot be reached ({error.reason if isinstance(error, URLError) else error})"
    return None


def one_line(error: Exception) -> str:
    """What an error of W&B says, as a part of a line."""
    said = " ".join(str(error).split()).rstrip(".")
    return f"its process has ended ({said})" if isinstance(error, ConnectionError) else said


def is_logged_in(base_url: str) -> bool:
    """Whether there is a key for the server: in the environment or in the netrc file."""
    if os.environ.get("WANDB_API_KEY") or os.environ.get("WANDB_IDENTITY_TOKEN_FILE"):
        return True
    path = Path(os.environ.get("NETRC", "~/.netrc")).expanduser()
    if not path.is_file():
        return False
    try:
        return netrc.netrc(str(path)).authenticators(urlsplit(base_url).hostname or "") is not None
    except netrc.NetrcParseError as error:
        raise ConfigError(f"{path}: {error.msg}, so it cannot be told whether W&B is logged in") from error
