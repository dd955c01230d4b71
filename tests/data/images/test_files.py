"""Sets of images: gathered by ids, told apart by digests; in files or in memory."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image

from entreg.data.images.files import ImageFiles
from entreg.data.images.stored import Form, LoadedImages
from entreg.data.samples import ResidentSamples

GENERATOR = torch.Generator().manual_seed(0)
PIXELS = torch.randint(256, (6, 3, 8, 8), generator=GENERATOR, dtype=torch.uint8)
TARGETS = torch.tensor([0, 1, 2, 0, 1, 2])


@pytest.fixture
def files(tmp_path: Path) -> ImageFiles:
    paths = [tmp_path / f"{i}.png" for i in range(6)]
    for path, image in zip(paths, PIXELS, strict=True):
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(path)
    return ImageFiles(paths, TARGETS, tmp_path, Form(3, 8))


def test_files_and_memory_give_the_same_batches(files: ImageFiles) -> None:
    ids = torch.tensor([4, 0, 5])
    resident = ResidentSamples(PIXELS, TARGETS)
    for samples in (files, LoadedImages(files)):
        for ours, theirs in zip(samples[ids], resident[ids], strict=True):
            assert torch.equal(ours, theirs)
        assert samples.digest(ids) == files.digest(ids)
    assert files.input_shape == resident.input_shape == (3, 8, 8)
    assert len(files) == len(resident) == 6
    assert files.nbytes == PIXELS.nbytes


def test_a_digest_tells_pixels_targets_and_ids_apart() -> None:
    ids = torch.arange(6)
    digests = [
        ResidentSamples(PIXELS, TARGETS).digest(ids),
        ResidentSamples(255 - PIXELS, TARGETS).digest(ids),
        ResidentSamples(PIXELS, TARGETS.flip(0)).digest(ids),
        ResidentSamples(PIXELS, TARGETS).digest(ids[:5]),
    ]
    assert len(set(digests)) == 4
    assert ResidentSamples(PIXELS, TARGETS).digest(ids) == digests[0]


def test_a_digest_of_files_sees_names_sizes_and_content(files: ImageFiles) -> None:
    paths = files.paths

    def found() -> str:
        return ImageFiles(paths, TARGETS, files.root, Form(3, 8)).digest(torch.arange(6))

    digests, content = [found()], paths[2].read_bytes()
    assert found() == digests[0]
    for changed in (content + b"\0", content[:60] + bytes([content[60] ^ 1]) + content[61:]):
        paths[2].write_bytes(changed)
        digests.append(found())
    paths[2] = paths[2].rename(paths[2].with_name("renamed.png"))
    digests.append(found())
    assert len(set(digests)) == 4
