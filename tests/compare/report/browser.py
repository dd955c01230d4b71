"""A real browser, looked into by the DevTools protocol over two pipes: what a page logs, asks for and shows."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium")
_FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")
_WATCHED = ("Page", "Runtime", "Log", "Network")


@dataclass(frozen=True)
class Seen:
    """What a page did.

    Attributes:
        errors: what is in the console as an error or a warning, and exceptions that nobody caught.
        requests: URLs that it asked for, itself left out, and data that stand in it.
        value: of the script that was run in it.
    """

    errors: list[str]
    requests: list[str]
    value: Any


@dataclass
class Browser:
    """A running browser.

    Attributes:
        commands: file descriptor that it reads commands from.
        answers: file descriptor that it writes answers and events to.
    """

    commands: int
    answers: int
    _rest: bytes = b""
    _numbers: Iterator[int] = field(default_factory=count)

    def look_at(self, page: Path, script: str, width: int, scheme: str = "light") -> Seen:
        """Load a page, run a script in it, and return what was seen.

        Args:
            page: file.
            script: JavaScript expression; its value has to be JSON.
            width: of the window, pixels.
            scheme: ``light`` or ``dark``, what the page is told that the user prefers.
        """
        target = self._ask("Target.createTarget", {"url": "about:blank"})[0]["targetId"]
        session = self._ask("Target.attachToTarget", {"targetId": target, "flatten": True})[0]["sessionId"]
        for domain in _WATCHED:
            self._ask(f"{domain}.enable", {}, session)
        screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self._ask("Emulation.setDeviceMetricsOverride", screen, session)
        preferred = [{"name": "prefers-color-scheme", "value": scheme}]
        self._ask("Emulation.setEmulatedMedia", {"features": preferred}, session)
        _, events = self._ask("Page.navigate", {"url": page.as_uri()}, session)
        while not any(event["method"] == "Page.loadEventFired" for event in events):
            events.append(self._read())
        answer, more = self._ask("Runtime.evaluate", {"expression": script, "returnByValue": True}, session)
        _, last = self._ask("Target.closeTarget", {"targetId": target})
        events = [*events, *more, *last]
        urls = [_of(event, "Network.requestWillBeSent", "request", "url") or "data:" for event in events]
        requests = [url for url in urls if not url.startswith("data:") and url != page.as_uri()]
        errors = [error for event in events if (error := _error(event))]
        errors += [json.dumps(answer["exceptionDetails"])] if "exceptionDetails" in answer else []
        return Seen(errors, requests, answer["result"].get("value"))

    def _ask(self, method: str, params: dict[str, Any], session: str | None = None) -> tuple[Any, list[Any]]:
        """Send a command; return its result and the events that came before it."""
        number, events = next(self._numbers), []
        command = {"id": number, "method": method, "params": params} | ({"sessionId": session} if session else {})
        os.write(self.commands, json.dumps(command).encode() + b"\0")
        while (message := self._read()).get("id") != number:
            events.append(message)
        return message["result"], events

    def _read(self) -> Any:
        while b"\0" not in self._rest:
            part = os.read(self.answers, 1 << 16)
            if not part:
                raise EOFError("the browser has ended")
            self._rest += part
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """Start Chromium with a profile folder of its own, and end it."""
    (theirs_in, ours_out), (ours_in, theirs_out) = os.pipe(), os.pipe()
    redirected = f'exec "$0" "$@" 3<&{theirs_in} 4>&{theirs_out}'
    options = [*_FLAGS, "--remote-debugging-pipe", f"--user-data-dir={profile}"]
    command = ["bash", "-c", redirected, str(CHROMIUM), *options]
    with subprocess.Popen(command, pass_fds=(theirs_in, theirs_out), stderr=subprocess.DEVNULL) as process:
        os.close(theirs_in)
        os.close(theirs_out)
        try:
            yield Browser(ours_out, ours_in)
        finally:
            process.terminate()
            os.close(ours_out)
            os.close(ours_in)


def _error(event: Any) -> str | None:
    """What an event says that went wrong, if anything did."""
    kind = _of(event, "Runtime.consoleAPICalled", "type") or _of(event, "Log.entryAdded", "entry", "level")
    if event["method"] == "Runtime.exceptionThrown" or kind in ("error", "warning", "assert"):
        return json.dumps(event["params"])
    return None


def _of(event: Any, method: str, *keys: str) -> Any:
    """A value in the parameters of an event of one method; ``None`` of any other."""
    if event.get("method") != method:
        return None
    found = event["params"]
    for key in keys:
        found = found[key]
    return found
