"""IDX files: whole ones are read back, all others are one-line errors that name the file."""

import gzip
import re

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from entreg.data.images.sets.idx import read_idx
from entreg.errors import DataError
from tests.data.images.sets.idx_files import encode

IMAGES = torch.arange(3 * 4 * 5, dtype=torch.uint8).view(3, 4, 5)
HEADER = 16


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("idx")


def assert_refused(path, content, ndim=3, match=None):
    path.write_bytes(content)
    with pytest.raises(DataError, match=match) as caught:
        read_idx(path, ndim=ndim)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message


@pytest.mark.parametrize("shape", [(7,), (3, 4, 5), (0, 28, 28)])
def test_a_written_file_is_read_back(folder, shape):
    tensor = torch.randint(256, shape, dtype=torch.uint8)
    (folder / "whole").write_bytes(encode(tensor))
    read = read_idx(folder / "whole", ndim=len(shape))
    assert read.dtype == torch.uint8
    assert torch.equal(read, tensor)


def test_what_is_read_can_be_written_to(folder):
    (folder / "whole").write_bytes(encode(IMAGES))
    read = read_idx(folder / "whole", ndim=3)
    read.zero_()
    assert torch.equal(read_idx(folder / "whole", ndim=3), IMAGES)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, HEADER + IMAGES.numel() - 1))
@example(0)
@example(HEADER - 1)
@example(HEADER)
@example(HEADER + IMAGES.numel() - 1)
def test_truncation_at_any_byte_is_refused(folder, length):
    assert_refused(folder / "truncated", encode(IMAGES)[:length])


@settings(max_examples=30, deadline=None)
@given(st.binary(min_size=1, max_size=100))
def test_extra_bytes_are_refused(folder, extra):
    assert_refused(folder / "long", encode(IMAGES) + extra, match="its header says 76")


@pytest.mark.parametrize("magic", [b"\x00\x00\x09\x03", b"PK\x03\x04"])
def test_another_magic_number_is_refused(folder, magic):
    assert_refused(folder / "magic", magic + encode(IMAGES)[4:], match=f"starts with {magic.hex(' ')}")


@pytest.mark.parametrize("ndim", [2, 4])
def test_another_number_of_dimensions_is_refused(folder, ndim):
    assert_refused(folder / "ndim", encode(IMAGES), ndim=ndim, match=f"expected 00 00 08 0{ndim}")


def test_a_header_whose_sizes_overflow_is_refused(folder):
    sizes = b"\x80\x00\x00\x00" + b"\x80\x00\x00\x00" + b"\x00\x00\x00\x04"  # their product is 2^64
    assert_refused(folder / "overflow", b"\x00\x00\x08\x03" + sizes)


@pytest.mark.parametrize("page", [b"<!DOCTYPE html><html>404</html>", b"\n  <html><body>Not found</body></html>"])
def test_an_html_page_is_named_as_such(folder, page):
    assert_refused(folder / "page", page, match="HTML page")


def test_an_empty_file_is_refused(folder):
    assert_refused(folder / "empty", b"", match="starts with nothing")


@pytest.mark.parametrize("name", ["absent", "absent/below", "directory"])
def test_what_cannot_be_opened_is_a_data_error(folder, name):
    (folder / "directory").mkdir(exist_ok=True)
    with pytest.raises(DataError, match=re.escape(f"{folder / name}: cannot be read")) as caught:
        read_idx(folder / name, ndim=3)
    assert "\n" not in str(caught.value)


def test_a_gzipped_file_is_read_like_a_plain_one(tmp_path):
    images = torch.arange(2 * 3 * 4, dtype=torch.uint8).view(2, 3, 4)
    plain, packed = tmp_path / "images", tmp_path / "images.gz"
    plain.write_bytes(encode(images))
    packed.write_bytes(gzip.compress(encode(images)))
    assert torch.equal(read_idx(packed, 3), images)
    assert torch.equal(read_idx(plain, 3), read_idx(packed, 3))


@pytest.mark.parametrize("damage", ["truncated", "corrupted", "plain", "empty", "inner"])
def test_a_damaged_gzip_file_is_one_line(tmp_path, damage):
    content = encode(torch.arange(200, dtype=torch.uint8).view(50, 2, 2))
    packed = gzip.compress(content)
    path = tmp_path / "images.gz"
    path.write_bytes(
        {
            "truncated": packed[:-20],
            "corrupted": packed[:40] + bytes(20) + packed[60:],
            "plain": content,
            "empty": b"",
            "inner": gzip.compress(content[:-1]),
        }[damage]
    )
    with pytest.raises(DataError) as caught:
        read_idx(path, 3)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert message.endswith("; delete it and fetch it again")
    assert "\n" not in message
