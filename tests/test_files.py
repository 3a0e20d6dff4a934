"""A file is there whole or not at all."""

import os

import pytest

from dpcore.data.files import write_whole


def test_what_fails_leaves_everything_as_it_was(tmp_path, monkeypatch):
    file = tmp_path / "a.txt"
    write_whole(file, "old")

    def full(*_):
        raise OSError("full")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="full"):
        write_whole(file, "new")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]

    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", stopped)
    with pytest.raises(KeyboardInterrupt):
        write_whole(file, "new")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_a_writer_in_the_middle_of_another_does_not_disturb_it(tmp_path, monkeypatch):
    file, fsync, seen = tmp_path / "a.txt", os.fsync, []

    def meanwhile(handle):
        monkeypatch.setattr(os, "fsync", fsync)
        write_whole(file, b"theirs")
        seen.append(file.read_text())

    monkeypatch.setattr(os, "fsync", meanwhile)
    write_whole(file, "ours, ä")
    assert seen == ["theirs"] and file.read_text("utf-8") == "ours, ä"


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "none" / "a.txt", "")
