"""Run folders of finished runs, written without training."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
import yaml

from entreg.runs import Run, read_summary, write_predictions, write_summary
from entreg.runs.scoring import evaluate_predictions

CLASSES = tuple("abcde")
LOSSES = {"cross_entropy": "CrossEntropyLoss", "min_ent": "MinEntLoss", "mix_ent": "MixEntLoss"}


def write_run(
    root: Path,
    loss: str = "cross_entropy",
    seed: int = 0,
    *,
    skill: float = 2.0,
    images: int = 400,
    test_seed: int = 0,
    ood: bool = True,
    corrupt: bool = False,
    label_noise: float = 0.0,
    bins: int | None = None,
    data: str = "Strokes",
    **changes: Any,
) -> Run:
    """Write a run whose logits favour the true class by ``skill``; ``changes`` are values of its model config."""
    changed = [*changes.values(), *([label_noise] if label_noise else [])]
    folder = root / "-".join(map(str, [loss, seed, *changed]))
    run = Run(folder)
    folder.mkdir(parents=True)
    truth = torch.Generator().manual_seed(test_seed)
    difficulty = torch.randn(images, len(CLASSES), generator=truth)
    noise = torch.Generator().manual_seed(1000 * seed + len(loss))
    sets = {"val": 1.0, "test": 1.0} | ({"ood-noise": 0.0} if ood else {})
    if corrupt:
        sets |= {f"corrupt-{name}-{s}": 1 - s / 6 for name in ("blur", "noise") for s in range(1, 6)}
    for name, sharp in sets.items():
        of_test = test_seed if name == "val" else test_seed + 1
        targets = torch.randint(len(CLASSES), (images,), generator=torch.Generator().manual_seed(of_test))
        logits = difficulty + torch.randn(images, len(CLASSES), generator=noise)
        logits[torch.arange(images), targets] += skill * sharp
        write_predictions(run.predictions(name), 1.5 * logits, targets, torch.arange(images))
    config = {
        "seed_everything": seed,
        "model": {"loss": {"class_path": f"entreg.losses.{LOSSES[loss]}"}, **changes},
        "data": {
            "class_path": f"entreg.data.{data}",
            "init_args": {"root": str(root / "data"), "damage": {"label_noise": label_noise}},
        },
    }
    if bins is not None:
        config["metrics"] = {"bins": bins}
    run.config.write_text(yaml.safe_dump(config))
    summary = {
        "name": loss,
        "arm": hashlib.sha256(f"{loss}{changes}{label_noise}".encode()).hexdigest()[:12],
        "seed": seed,
        "loss": LOSSES[loss],
        "data": {"name": "Strokes", "train": "0123"},
        "classes": list(CLASSES),
        "epochs": 3,
        "steps": 30,
    }
    run.summary.write_text(json.dumps(summary))
    rows = ["step,name,value,time"]
    for step in range(0, 30, 5):
        rows += [f"{step},loss/train,{2 - step / 20},{step}", f"{step},loss/coefficient/ce,1.0,{step}"]
        rows += [f"{step},grad/net,{1 + step % 2},{step}"]
    for epoch in range(3):
        for name in ("train/acc", "val/acc"):
            rows.append(f"{10 * epoch + 9},{name},{0.5 + 0.1 * epoch + 0.01 * seed},{10 * epoch + 10}")
    run.metrics.write_text("\n".join(rows) + "\n")
    return run


def without_predictions(run: Run) -> None:
    """Leave of a run's predictions what its summary says of them."""
    write_summary(run, {**read_summary(run), **evaluate_predictions(run, {"noise": {}}), "finished": True})
    for path in run.all_predictions():
        path.unlink()


def write_study(root: Path, seeds: int = 3, **skills: float) -> list[Path]:
    """Write runs of several losses, each with its skill; return their folders."""
    skills = skills or {"cross_entropy": 2.0, "min_ent": 2.05, "mix_ent": 1.2}
    return [
        write_run(root, loss, seed, skill=skill + 0.03 * seed).path
        for loss, skill in skills.items()
        for seed in range(seeds)
    ]
