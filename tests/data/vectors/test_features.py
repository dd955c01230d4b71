"""From files to features: what a table says is what is trained on, and what is wrong in it is one line."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from entreg.data import Vectors
from entreg.data.vectors.labels import class_names
from entreg.data.vectors.prepared import features_of
from entreg.data.vectors.tables import Part, read_columns
from entreg.errors import ConfigError, DataError

ROWS = pd.DataFrame(
    {
        "age": [1.0, 3.0, 5.0, 7.0, 2.0, 4.0, 6.0, 8.0],
        "colour": ["red", "blue", "red", "blue", "blue", "red", "blue", "red"],
        "label": ["yes", "no"] * 4,
    }
)


def write(folder: Path, train: pd.DataFrame = ROWS, test: pd.DataFrame = ROWS[:2], suffix: str = ".csv") -> Path:
    for name, frame in (("train", train), ("test", test)):
        file = folder / f"{name}{suffix}"
        frame.to_csv(file, index=False) if suffix == ".csv" else frame.to_parquet(file)
    return folder


def test_a_table_becomes_numbers_and_declared_categories(tmp_path: Path) -> None:
    data = Vectors(root=str(write(tmp_path)), categories=["colour"], ood=[], split_seed=1)
    data.setup()
    assert data.classes == ("no", "yes")
    assert data.feature_name(2) == "column 'colour' = 'red'"
    features, targets = data.load(train=True)
    assert features.tolist()[:2] == [[1, 0, 1], [3, 1, 0]]
    assert targets.tolist() == [1, 0] * 4
    trained = features[data.train_ids, 0]
    batch = data.transform(data.train_set[data.train_ids], None).input
    torch.testing.assert_close(batch[:, 0], (trained - trained.mean()) / trained.std(correction=0))
    assert torch.equal(batch[:, 1:], features[data.train_ids, 1:])  # categories stay 0 and 1
    assert data.description["columns"][1] == {"name": "colour", "width": 2, "values": ["blue", "red"]}


def test_na_is_a_class_and_a_category_like_another(tmp_path: Path) -> None:
    rows = ROWS.replace({"no": "NA", "blue": "null"})
    data = Vectors(root=str(write(tmp_path, rows, rows[:2])), categories=["colour"], ood=[])
    data.setup()
    assert data.classes == ("NA", "yes")
    assert data.layout.columns[1].values == ("null", "red")


def test_features_to_predict_are_named_by_their_column_and_a_suffix_may_be_in_capitals(tmp_path: Path) -> None:
    data = Vectors(root=str(write(tmp_path)), categories=["colour"], ood=[])
    data.setup()
    file = tmp_path / "new.CSV"
    file.write_text("colour,age\nred,1.0\nblue,\n")
    with pytest.raises(DataError, match=r"new.CSV: column 'age' is nan in row 2"):
        features_of(file, data.description)
    file.write_text("colour,age\nred,1.0\nblue,3.0\n")
    assert torch.equal(features_of(file, data.description), data.load(train=True)[0][:2])


def test_one_file_says_in_a_column_what_a_row_is_for(tmp_path: Path) -> None:
    file = tmp_path / "all.parquet"
    ROWS.assign(split=["train"] * 4 + ["val"] * 2 + ["test"] * 2).to_parquet(file)
    data = Vectors(root=str(file), drop=["colour"], ood=[])
    data.setup()
    assert (data.train_ids.tolist(), data.val_ids.tolist(), len(data.test_set)) == ([0, 1, 2, 3], [4, 5], 2)
    assert data.mean.item() == 4  # of the training rows alone


def test_arrays_and_lists_are_as_many_features_as_they_are_wide(tmp_path: Path) -> None:
    numbers, labels = np.arange(24.0).reshape(8, 3), np.arange(8) % 2
    (tmp_path / "npy").mkdir()
    for part in ("train", "test"):
        np.save(tmp_path / "npy" / f"{part}.npy", numbers)
        np.save(tmp_path / "npy" / f"{part}_labels.npy", labels)
        np.savez(tmp_path / f"{part}.npz", embedding=numbers, label=labels)
    lists = pd.DataFrame({"embedding": list(numbers), "label": labels, "split": ["train"] * 6 + ["test"] * 2})
    lists.to_parquet(tmp_path / "lists.parquet")
    for root, rows in (("npy", 8), ("", 8), ("lists.parquet", 6)):
        features, targets = Vectors(root=str(tmp_path / root)).load(train=True)
        assert torch.equal(features, torch.from_numpy(numbers[:rows]).float())
        assert torch.equal(targets, torch.from_numpy(labels[:rows]))


@pytest.mark.parametrize(
    ("train", "test", "options", "error", "message"),
    [
        ({}, {}, {}, DataError, "train.csv, column 'colour': holds no numbers .*--data.categories '[colour]'"),
        ({"label": None}, {}, {}, DataError, "train.csv, column 'label': row 1 is empty"),
        (
            {},
            {},
            {"label": "class"},
            DataError,
            "has no column 'class' (it has age, colour, label); name it with --data.label",
        ),
        (
            {},
            {"label": "maybe"},
            {},
            DataError,
            "test.csv, column 'label': has class 'maybe', which .*train.csv has not",
        ),
        (
            {},
            {"colour": "green"},
            {},
            DataError,
            "test.csv, column 'colour': has category 'green', which training has not",
        ),
        ({}, {"age": None}, {}, DataError, "Vectors test file: column 'age' is nan in row 1"),
        ({"age": np.inf}, {}, {}, DataError, "Vectors training file: column 'age' is inf in row 1"),
        (
            {"age": 2},
            {},
            {},
            DataError,
            "column 'age': the same in all 6 training samples, expected features that differ",
        ),
        ({}, {}, {"drop": ["height"]}, DataError, "has no column 'height'"),
        ({}, {}, {"drop": ["age", "colour"], "categories": []}, ConfigError, "no column is left to be a feature"),
        ({}, {}, {"corruptions": ["blur"]}, ConfigError, "got 'blur', expected [all] or some of noise, masking"),
    ],
)
def test_what_is_wrong_in_a_table_is_named(train, test, options, error, message, tmp_path: Path) -> None:
    write(tmp_path, ROWS.assign(**train), ROWS[:2].assign(**test))
    declared = {} if message.startswith("train.csv, column 'colour'") else {"categories": ["colour"]}
    with pytest.raises(error, match=".*".join(map(re.escape, message.split(".*")))) as found:
        Vectors(root=str(tmp_path), ood=[], **{**declared, **options}).setup()
    assert "\n" not in str(found.value)


def test_rows_of_unequal_dimensions_are_named(tmp_path: Path) -> None:
    for part, width in (("train", 3), ("test", 2)):
        np.savez(tmp_path / f"{part}.npz", x=np.random.default_rng(0).random((8, width)), label=np.arange(8) % 2)
    with pytest.raises(DataError, match=r"test.npz, column 'x': rows of 2 numbers, expected 3 as in training"):
        Vectors(root=str(tmp_path)).setup()
    ragged = pd.DataFrame({"x": [[1.0, 2.0], [1.0], [2.0]], "label": [0, 1, 1], "split": ["train", "train", "test"]})
    ragged.to_parquet(tmp_path / "ragged.parquet")
    with pytest.raises(DataError, match=r"ragged.parquet .train., column 'x': rows of 1 and of 2 numbers"):
        Vectors(root=str(tmp_path / "ragged.parquet"))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("train.csv", b"", "train.csv: is not a whole .csv file"),
        ("train.csv", b"age,label\n", "train.csv: holds no row"),
        ("train.npz", b"torn", "train.npz: is not a whole .npz file"),
        ("train.parquet", b"torn", "train.parquet: is not a whole .parquet file"),
        ("test.csv", b"age,label\n1,a\n", "train.*: is absent; --data.root is a folder of train and test files"),
    ],
)
def test_files_that_are_damaged_or_absent_are_named(name, content, message, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=re.escape(message)) as found:
        Vectors(root=str(tmp_path))
    assert "\n" not in str(found.value)


@pytest.mark.parametrize(
    ("header", "row", "message"),
    [
        (",x,label,split", "{0},{1},{2},{3}", "a column has no name"),
        ("x,label,label,split", "{1},{2},{2},{3}", "2 columns are called 'label'"),
        ("label,x,y,split", "{2},{2},{1},{1},{3}", "rows of more fields than its first line has names"),
    ],
)
def test_columns_of_csv_without_a_name_of_their_own_are_refused(header, row, message, tmp_path: Path) -> None:
    lines = [row.format(k, k % 5, k % 3, "train" if k < 20 else "test") for k in range(30)]
    (file := tmp_path / "all.csv").write_text("\n".join([header, *lines]))
    with pytest.raises(DataError, match=message):
        Vectors(root=str(file))


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pd.date_range("2020-01-01", periods=8), r"holds no numbers \(but datetime64"),
        (np.timedelta64("NaT") + np.zeros(8, "timedelta64[s]"), "holds no numbers"),
        (1_700_000_000 + np.arange(8), "1.7e\\+09 that differ by little are one in float32"),
        ([[0.0, 1.0], None] * 4, "rows of 0 and of 2 numbers"),
        ([[]] * 8, "rows of no numbers"),
    ],
)
def test_columns_that_float32_would_not_hold_are_refused(column, message, tmp_path: Path) -> None:
    frame = ROWS.drop(columns="colour").assign(new=column)
    with pytest.raises(DataError, match=message):
        Vectors(root=str(write(tmp_path, frame, frame[:2], ".parquet")), ood=[]).setup()


def test_labels_of_bytes_lists_and_numbers_beyond_floating_point() -> None:
    assert class_names(np.array([b"b", b"a"]), "x") == ("a", "b")
    with pytest.raises(DataError, match="row 1 is 1e\\+19"):
        class_names(np.array([1e19, 3e19]), "x")
    lists = np.empty(2, object)
    lists[:] = [np.zeros(2), np.zeros(2)]
    with pytest.raises(DataError, match="holds lists"):
        class_names(lists, "x")


def test_json_lines_keep_numbers_under_the_name_of_a_time_and_may_begin_with_a_mark(tmp_path: Path) -> None:
    (file := tmp_path / "x.jsonl").write_text('\ufeff{"timestamp": 1700000000, "date": "1"}\n', encoding="utf-8")
    assert {name: values.tolist() for name, values in read_columns(file).items()} == {
        "timestamp": [1700000000],
        "date": ["1"],
    }


def test_one_class_is_too_few_where_validation_is_given_too(tmp_path: Path) -> None:
    file = tmp_path / "all.parquet"
    ROWS.assign(label="yes", split=["train"] * 4 + ["val"] * 2 + ["test"] * 2).to_parquet(file)
    with pytest.raises(DataError, match="a classifier needs two"):
        Vectors(root=str(file), drop=["colour"], ood=[]).setup()


def test_an_archive_that_is_cut_or_holds_a_broken_part_is_named(tmp_path: Path) -> None:
    write(tmp_path, suffix=".parquet")
    (tmp_path / "train.parquet").unlink()
    np.savez_compressed(file := tmp_path / "train.npz", age=np.random.default_rng(0).random(1000), label=np.ones(1000))
    whole = file.read_bytes()
    for broken in (whole[:3000], whole[:2000] + bytes(200) + whole[2200:]):
        file.write_bytes(broken)
        with pytest.raises(DataError, match=r"train.npz: is not a whole .npz file"):
            Vectors(root=str(tmp_path))


def test_a_long_column_of_numbers_and_words_is_read_as_it_is_written(tmp_path: Path) -> None:
    rows = 300_000  # pandas reads them in several parts
    labels = np.array(["01"] * rows + ["A1"])
    write(tmp_path, pd.DataFrame({"x": np.arange(rows + 1) % 7, "label": labels}), ROWS[:2].assign(x=1, label="A1"))
    assert Vectors(root=str(tmp_path), drop=[], ood=[]).classes == ("1", "A1")  # where no word is, "01" is 1


def test_what_an_array_was_trained_on_may_be_predicted(tmp_path: Path) -> None:
    numbers = np.random.default_rng(0).random((8, 2, 3)).astype(">f8")
    for part in ("train", "test"):
        np.save(tmp_path / f"{part}.npy", numbers)
        np.save(tmp_path / f"{part}_labels.npy", np.arange(8) % 2)
    data = Vectors(root=str(tmp_path), ood=[])
    data.setup()
    assert torch.equal(features_of(tmp_path / "train.npy", data.description), data.load(train=True)[0])


def test_labels_of_every_kind_have_names_or_a_line() -> None:
    assert class_names(np.array(["--5", "-5", "a"]), "train.csv") == ("-5", "--5", "a")
    assert class_names(np.array(["Größe".encode(), b"klein"]), "train.npz") == ("Größe", "klein")
    with pytest.raises(DataError, match=r"^train.npz: holds bytes that are no UTF-8"):
        class_names(np.array([b"Gr\xf6\xdfe"]), "train.npz")


@pytest.mark.parametrize(
    ("trained", "alone", "said"),
    [
        (["true", "false", "unknown"], "true", "True"),
        (["01234", "90210", "K1A"], "90210", "90210"),
        (["1", "2.0", "x"], "2", "2"),
    ],
)
def test_a_category_is_the_same_in_a_file_that_lacks_the_words(
    trained: list[str], alone: str, said: str, tmp_path: Path
) -> None:
    rows = pd.DataFrame({"x": [1.0, 2.0, 3.0], "kind": trained, "label": ["a", "b", "a"]})
    data = Vectors(root=str(write(tmp_path, rows, rows[:1].assign(kind=alone))), categories=["kind"], ood=[])
    names = [data.feature_name(k) for k in data.load(train=False)[0][0, 1:].nonzero().flatten() + 1]
    assert names == [f"column 'kind' = {said!r}"]


def test_a_band_is_no_number_though_python_reads_one(tmp_path: Path) -> None:
    rows = ROWS.assign(colour="18_25")
    with pytest.raises(DataError, match=r"column 'colour': holds no numbers \(but '18_25'\); declare it"):
        Vectors(root=str(write(tmp_path, rows)), ood=[])


def test_a_category_of_an_array_is_found_in_a_csv_file(tmp_path: Path) -> None:
    rows = pd.DataFrame({"x": [1.0, 2.0, 3.0], "kind": ["007", "7", "A1"], "label": ["a", "b", "a"]})
    data = Vectors(root=str(write(tmp_path, rows, rows[:2], ".parquet")), categories=["kind"], ood=[])
    assert data.load(train=False)[0][:, 1:].tolist() == [[1, 0, 0], [0, 1, 0]]
    other = rows[::2]
    (tmp_path / "csv").mkdir()
    write(tmp_path / "csv", other, other, ".parquet")
    layout = Vectors(root=str(tmp_path / "csv"), categories=["kind"], ood=[]).layout
    other.to_csv(tmp_path / "new.csv", index=False)
    found = layout.features(Part("new.csv", read_columns(tmp_path / "new.csv")))
    assert found[:, 1:].tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize(
    ("index", "read"),
    [
        (pd.Index([5, 6], name="x"), ["x", "label"]),
        (pd.RangeIndex(2, name="row"), ["x", "label"]),
        (pd.MultiIndex.from_tuples([(1, 2), (3, 4)], names=["k", None]), ["k", "x", "label"]),
    ],
)
def test_of_an_index_a_level_with_a_name_of_its_own_is_a_column(
    index: pd.Index, read: list[str], tmp_path: Path
) -> None:
    pd.DataFrame({"x": [1.0, 2.0], "label": ["a", "b"]}, index=index).to_parquet(file := tmp_path / "t.parquet")
    assert list(read_columns(file)) == read


def test_an_index_with_a_name_is_a_column(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    rows = ROWS.drop(columns="colour")
    write(tmp_path / "a", rows.set_index("age"), rows[:2].set_index("age"), ".parquet")
    write(tmp_path / "b", rows, rows[:2], ".parquet")
    ours, theirs = (Vectors(root=str(tmp_path / name), ood=[]).load(train=True)[0] for name in "ab")
    assert torch.equal(ours, theirs)


@pytest.mark.parametrize("column", ["colour", "label"])
def test_a_missing_value_of_pandas_own_is_named(column: str, tmp_path: Path) -> None:
    rows = ROWS.convert_dtypes()
    rows.loc[2, column] = pd.NA
    with pytest.raises(DataError, match=r"row 3 is empty, expected a name or a number"):
        Vectors(root=str(write(tmp_path, rows, suffix=".parquet")), categories=["colour"], ood=[]).load(train=True)


def test_rows_of_unequal_lists_are_named(tmp_path: Path) -> None:
    file = tmp_path / "train.jsonl"
    file.write_text('{"a": [[1], [1, 2]], "label": "x"}\n{"a": [[1], [1, 2]], "label": "y"}\n')
    (tmp_path / "test.jsonl").write_text(file.read_text())
    with pytest.raises(DataError, match="column 'a': holds no numbers"):
        Vectors(root=str(tmp_path), ood=[])
