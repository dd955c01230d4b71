"""Small files in the formats of the published sets, and an encoder that needs no model."""

from __future__ import annotations

import csv
import json
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from entreg.data import BANKING77, CLINC150

ENCODER = "tests.data.texts.stand_ins.Words"


class Words:
    """Counts words, each at a place of its own among 16."""

    calls = 0

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        assert not torch.is_autocast_enabled("cpu")  # however a run computes, its texts are encoded alike
        type(self).calls += 1
        vectors = np.zeros((len(texts), 16))
        for row, text in enumerate(texts):
            for word in text.split():
                vectors[row, zlib.crc32(word.encode()) % 16] += 1
        return vectors


def write_clinc150(root: Path) -> Path:
    """CLINC150 with 2, 1 and 1 questions an intent, and 3 of each part out of scope."""
    counts = {"train": 2, "val": 1, "test": 1}
    content = {
        part: [[f"{intent} {part} {k}", intent] for intent in CLINC150.intents for k in range(count)]
        for part, count in counts.items()
    }
    content |= {f"oos_{part}": [[f"nothing {part} {k}", "oos"] for k in range(3)] for part in counts}
    (root / "CLINC150").mkdir(parents=True)
    (root / "CLINC150" / "data_full.json").write_text(json.dumps(content))
    return root


def write_banking77(root: Path) -> Path:
    """BANKING77 with 3 and 1 questions an intent."""
    (root / "BANKING77").mkdir(parents=True)
    for part, count in (("train", 3), ("test", 1)):
        with (root / "BANKING77" / f"{part}.csv").open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["text", "category"])
            rows.writerows([f"{name}, {part} {k}", name] for name in BANKING77.classes for k in range(count))
    return root
