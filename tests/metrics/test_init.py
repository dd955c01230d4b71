"""The face of the folder: all its names are there."""

from entreg import metrics


def test_every_name_is_there_and_listed():
    assert [name for name in metrics.__all__ if not hasattr(metrics, name)] == []
    assert set(metrics.__all__) <= set(dir(metrics))
    assert not hasattr(metrics, "Nothing")
