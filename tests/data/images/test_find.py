"""Pictures in a folder: each once, and none that a system has left beside them."""

from __future__ import annotations

from pathlib import Path

from entreg.data.images.find import find_pictures


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")


def test_a_folder_that_links_to_itself_holds_each_picture_once(tmp_path: Path) -> None:
    write(tmp_path, "b.png", "more/a.png")
    (tmp_path / "again").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "more" / "up").symlink_to("..", target_is_directory=True)
    assert [path.name for path in find_pictures(tmp_path)] == ["b.png", "a.png"]


def test_what_systems_leave_is_left_out_and_nothing_else(tmp_path: Path) -> None:
    write(tmp_path, "@home/a.png", "@eaDir/b.png", "@nasa.jpg", ".c.png", "__MACOSX/d.png", "e.txt", "#recycle/f.png")
    assert [str(path.relative_to(tmp_path)) for path in find_pictures(tmp_path)] == ["@nasa.jpg", "@home/a.png"]
