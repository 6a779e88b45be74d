"""Files in .npz and SVMLight form."""

import io

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import dump_svmlight_file, load_svmlight_file

from fastpiggy.cli.errors import CommandError
from fastpiggy.cli.read import read_table


def refused(path, *args, **kwargs):
    """Return the message of the error."""
    with pytest.raises(CommandError) as caught:
        read_table(path, *args, **kwargs)
    assert path.name in str(caught.value)
    return str(caught.value)


def save(tmp_path, **arrays):
    path = tmp_path / "data.npz"
    np.savez(path, **arrays)
    return path


X = np.arange(6.0).reshape(3, 2)
Y = np.array([1.0, 2.0, 4.0])


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int16, np.bool_])
def test_npz_types(tmp_path, dtype):
    table = read_table(save(tmp_path, X=X.astype(dtype), y=Y[:, None]))
    assert table.X.dtype == (np.float32 if dtype is np.float32 else np.float64)
    np.testing.assert_array_equal(table.X, X.astype(dtype))
    np.testing.assert_array_equal(table.y, Y)
    assert len(table.names) == 2


def test_npz_keys_can_be_chosen(tmp_path):
    path = save(tmp_path, counts=X, dose=Y)
    np.testing.assert_array_equal(read_table(path, "dose", design="counts").X, X)
    assert "has no array 'X'; it has counts, dose; choose with --design" in refused(path)


@pytest.mark.parametrize("kind", ["U", "S"])
def test_npz_labels(tmp_path, kind):
    path = save(tmp_path, X=X, y=np.array(["a", "b", "a"], dtype=kind))
    assert list(read_table(path, labels=True).y) == ["a", "b", "a"]
    assert "'y' must hold real numbers" in refused(path)


@pytest.mark.parametrize(
    ("arrays", "expected"),
    [
        ({"X": X[:, 0], "y": Y}, "'X' must have two dimensions"),
        ({"X": X, "y": X}, "'y' must have one dimension"),
        ({"X": X, "y": Y[:2]}, "X has 3 rows, but the target has shape"),
        ({"X": X * 1j, "y": Y}, "'X' must hold real numbers"),
        ({"X": X.astype(str), "y": Y}, "'X' must hold real numbers"),
        ({"X": X.astype(object), "y": Y}, "Python objects"),
        ({"X": X[:0], "y": Y[:0]}, "0 rows"),
        ({"X": X[:, :0], "y": Y}, "0 feature columns"),
        ({"X": np.where(X == 3, np.nan, X), "y": Y}, "row 2, column 'X[1]' is not a finite"),
        ({"X": X, "y": np.array([1, np.inf, 2])}, "the target of row 2 is not a finite"),
    ],
)
def test_npz_that_cannot_be_used(tmp_path, arrays, expected):
    assert expected in refused(save(tmp_path, **arrays))


def test_npz_sparse_matrix_alone(tmp_path):
    path = tmp_path / "data.npz"
    sparse.save_npz(path, sparse.csc_array(X))
    assert "SVMLight" in refused(path)


def test_npz_cut_off_at_any_length(tmp_path):
    rng = np.random.default_rng(0)
    whole = io.BytesIO()
    np.savez_compressed(whole, X=rng.standard_normal((30, 4)), y=rng.standard_normal(30))
    path = tmp_path / "data.npz"
    for length in range(1, len(whole.getvalue()), 97):
        path.write_bytes(whole.getvalue()[:length])
        refused(path)


def test_npz_damaged_inside(tmp_path):
    whole = io.BytesIO()
    np.savez_compressed(whole, X=X, y=Y)
    damaged = bytearray(whole.getvalue())
    damaged[60:70] = b"\xff" * 10
    path = tmp_path / "data.npz"
    path.write_bytes(bytes(damaged))
    refused(path)


def test_npz_that_is_a_npy_file(tmp_path):
    path = tmp_path / "data.npz"
    with path.open("wb") as stream:
        np.save(stream, X)
    assert "one array" in refused(path)


@pytest.mark.parametrize("zero_based", [True, False])
@pytest.mark.parametrize("ending", [".svm", ".svmlight", ".libsvm"])
def test_svmlight_as_scikit_learn_reads_it(tmp_path, zero_based, ending):
    rng = np.random.default_rng(0)
    matrix = sparse.random_array((20, 8), density=0.4, rng=rng, format="csr")
    matrix[0, 0] = 0.5
    matrix[0, 7] = -1.5
    y = rng.standard_normal(20)
    path = tmp_path / f"data{ending}"
    dump_svmlight_file(matrix, y, str(path), zero_based=zero_based, comment="a comment")
    table = read_table(path)
    expected, expected_y = load_svmlight_file(str(path))
    np.testing.assert_array_equal(table.X.toarray(), expected.toarray())
    np.testing.assert_array_equal(table.y, expected_y)
    assert table.is_sparse and table.X.format == "csc" and table.X.has_sorted_indices
    assert table.names[0] == ("0" if zero_based else "1")


def test_svmlight_query_ids_comments_and_any_order(tmp_path):
    path = tmp_path / "data.svm"
    path.write_text("# a header\n1 qid:7 3:0.5 1:2 # rest\n\n-1 2:1e-3\n")
    table = read_table(path)
    np.testing.assert_array_equal(table.X.toarray(), [[2, 0, 0.5], [0, 1e-3, 0]])
    np.testing.assert_array_equal(table.y, [1, -1])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 1:2\n2 1:", "line 2: '1:' is not index:value"),
        ("1 1:2\n2 1", "line 2: '1' is not index:value"),
        ("1 1:2\n2 1:2 1:3", "line 2: index 1 is given twice"),
        ("1 -1:2", "index -1 is negative"),
        ("1 a:2", "line 1"),
        ("1 1:x", "line 1"),
        ("yes 1:2", "line 1"),
        ("1 1:nan", "'nan' is not a finite number"),
        ("inf 1:1", "'inf' is not a finite number"),
        ("# nothing\n", "no line holds data"),
        ("1\n2\n", "0 feature columns"),
    ],
)
def test_svmlight_that_cannot_be_used(tmp_path, text, expected):
    path = tmp_path / "data.svm"
    path.write_text(text)
    assert expected in refused(path)


def test_svmlight_that_is_not_text(tmp_path):
    path = tmp_path / "data.svm"
    path.write_bytes(bytes(range(128, 256)))
    assert "not a text file" in refused(path)


def test_options_of_another_kind_of_file(tmp_path):
    path = tmp_path / "data.svm"
    path.write_text("1 1:2\n")
    assert "leave --target out" in refused(path, "y")
    assert "--design" in refused(path, design="X")
    assert "--drop" in refused(path, drop=["a"])
    assert "--drop" in refused(save(tmp_path, X=X, y=Y), drop_missing=True)
