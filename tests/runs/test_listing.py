from __future__ import annotations

import pytest

from entreg.runs import Run, write_summary
from entreg.runs.lease import Lease, Watch
from entreg.runs.listing import entry_of


def test_a_run_is_being_trained_while_somebody_is_behind_its_lease(
    finished_copy: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert entry_of(finished_copy).state == "finished"
    write_summary(finished_copy, {"finished": False})
    assert entry_of(finished_copy).state == "unfinished"
    with Lease(finished_copy.lease):
        assert entry_of(finished_copy).state == "being trained"
    finished_copy.lease.write_text('{"token": "t", "host": "h", "machine": "m", "pid": 1, "started": "1"}')
    monkeypatch.setattr("entreg.runs.lease._machine", lambda: "m")
    assert entry_of(finished_copy).state == "unfinished"  # as after kill -9

    def refuse(*_: object) -> bool:
        raise PermissionError

    monkeypatch.setattr(Watch, "is_stale", refuse)
    assert entry_of(finished_copy).state == "being trained"
