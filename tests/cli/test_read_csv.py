"""CSV files, good and bad: what is read, and what the messages say."""

import csv

import numpy as np
import pytest

from fastpiggy.cli.errors import CommandError
from fastpiggy.cli.read import read_table


def write(tmp_path, text, name="data.csv", encoding="utf-8"):
    path = tmp_path / name
    path.write_text(text, encoding=encoding)
    return path


def refused(path, *args, **kwargs):
    """Return the message of the error."""
    with pytest.raises(CommandError) as caught:
        read_table(path, *args, **kwargs)
    message = str(caught.value)
    assert path.name in message
    return message


def test_target_is_found_by_name_or_number(tmp_path):
    path = write(tmp_path, "a,b,c\n1,2,3\n4,5,6\n")
    for target in ("b", "2"):
        table = read_table(path, target)
        np.testing.assert_array_equal(table.X, [[1, 3], [4, 6]])
        np.testing.assert_array_equal(table.y, [2, 5])
        assert table.names == ("a", "c")
        assert table.X.flags.c_contiguous
    assert table.notes == ()


def test_quoted_header_with_separators_and_line_breaks(tmp_path):
    path = tmp_path / "data.csv"
    names = ["bmi, at start", 'the "real" one', "two\nlines", "y"]
    with path.open("w", newline="") as stream:
        csv.writer(stream, quoting=csv.QUOTE_ALL).writerows([names, [1, 2, 3, 4], [5, 6, 7, 8]])
    table = read_table(path, "y")
    assert table.names == tuple(names[:3])
    np.testing.assert_array_equal(table.y, [4, 8])


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_separators_newlines_and_byte_order_mark(tmp_path, separator, newline):
    text = newline.join(separator.join(row) for row in (["a", "y"], ["1", " 2"], ["3 ", "4"], [""]))
    table = read_table(write(tmp_path, text, encoding="utf-8-sig"), "y")
    assert table.names == ("a",)
    np.testing.assert_array_equal(table.X[:, 0], [1, 3])
    np.testing.assert_array_equal(table.y, [2, 4])


def test_long_file_is_read_in_pieces(tmp_path):
    values = np.random.default_rng(0).standard_normal((5000, 3))
    rows = "\n".join(",".join(map(repr, map(float, row))) for row in values)
    table = read_table(write(tmp_path, "a,b,y\n" + rows), "y")
    np.testing.assert_array_equal(np.column_stack([table.X, table.y]), values)


def test_no_header(tmp_path):
    table = read_table(write(tmp_path, "1,2\n3,4\n"), "2")
    assert table.X.shape == (2, 1)
    assert "no header" in table.notes[0]


def test_names_that_are_numbers_are_pointed_out(tmp_path):
    table = read_table(write(tmp_path, "900,902,octane\n1,2,3\n"), "octane")
    assert table.names == ("900", "902")
    assert "2 of them are numbers" in table.notes[0]


def test_index_of_a_data_frame_is_left_out(tmp_path):
    table = read_table(write(tmp_path, ",a,y\n0,7,8\n1,9,9\n2,5,6\n"), "y")
    assert table.names == ("a",)
    assert "counts the rows" in table.notes[0]


def test_missing_values_are_named_with_what_to_do(tmp_path):
    path = write(tmp_path, "a,b,y\n1,,3\n4,NA,6\n7,8,nan\n1,2,3\n")
    message = refused(path, "y")
    assert "column 'b': 2 missing, the first in line 2" in message
    assert "column 'y': 1 missing, the first in line 4" in message
    assert "the 3 rows concerned with --drop-missing" in message
    table = read_table(path, "y", drop_missing=True)
    np.testing.assert_array_equal(table.X, [[1, 2]])
    assert table.notes == ("3 rows with missing values were left out",)


def test_text_columns_are_named_with_what_to_do(tmp_path):
    path = write(tmp_path, "name,a,city,y\nAnn,1,Oslo,3\nBob,2,Rome,4\n")
    message = refused(path, "y")
    assert "column 'name': 'Ann' in line 2" in message
    assert "column 'city': 'Oslo' in line 2" in message
    assert "--drop" in message
    assert read_table(path, "y", drop=["name", "city"]).names == ("a",)


def test_many_text_columns_are_counted(tmp_path):
    header = ",".join(f"c{j}" for j in range(20))
    message = refused(write(tmp_path, f"{header},y\n{'x,' * 20}1\n"), "y")
    assert "and 15 more columns" in message
    assert len(message.splitlines()) < 10


def test_text_past_the_first_piece(tmp_path):
    path = write(tmp_path, "a,y\n" + "1,2\n" * 3000 + "oops,2\n")
    assert "column 'a': 'oops' in line 3002" in refused(path, "y")


def test_decimal_commas_are_recognised(tmp_path):
    assert "decimal commas" in refused(write(tmp_path, "a;y\n1,5;2,25\n"), "y")


@pytest.mark.parametrize("value", ["inf", "-Infinity", "1e999"])
def test_infinite_values(tmp_path, value):
    assert f"{value!r} in line 3" in refused(write(tmp_path, f"a,y\n1,2\n{value},2\n"), "y")


def test_text_target_only_for_labels(tmp_path):
    path = write(tmp_path, "a,y\n1,no\n2,yes\n")
    assert "column 'y': 'no' in line 2" in refused(path, "y")
    np.testing.assert_array_equal(read_table(path, "y", labels=True).y, ["no", "yes"])


def test_numeric_labels_stay_numbers(tmp_path):
    table = read_table(write(tmp_path, "a,y\n1,0\n2,1\n"), "y", labels=True)
    assert table.y.dtype == np.float64


def test_missing_label(tmp_path):
    assert "column 'y': 1 missing" in refused(write(tmp_path, "a,y\n1,no\n2,\n"), "y", labels=True)


def test_half_written_files(tmp_path):
    assert "line 3: 2 fields where the first line has 3" in refused(
        write(tmp_path, "a,b,y\n1,2,3\n4,5"), "y"
    )
    assert "cut off" in refused(write(tmp_path, 'a,b,y\n1,2,3\n4,5,"6'), "y")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "the file is empty"),
        ("\n\n", "no line of data"),
        ("a,y\n", "0 rows"),
        ("y\n1\n", "no column is left beside the target"),
    ],
)
def test_nothing_to_read(tmp_path, text, expected):
    assert expected in refused(write(tmp_path, text), "y")


def test_target_not_given_or_not_there(tmp_path):
    path = write(tmp_path, "a,b\n1,2\n")
    assert "--target; columns: 'a', 'b'" in refused(path)
    assert "no column 'z'; columns: 'a', 'b'" in refused(path, "z")
    assert "no column '3'" in refused(path, "3")
    assert "both the target and dropped" in refused(path, "a", drop=["a"])


def test_two_columns_of_one_name(tmp_path):
    path = write(tmp_path, "a,y,y\n1,2,3\n")
    assert "2 columns are called 'y'; give its number, one of 2, 3" in refused(path, "y")
    np.testing.assert_array_equal(read_table(path, "3").y, [3])


def test_files_that_are_not_text(tmp_path):
    path = tmp_path / "data.csv"
    path.write_bytes(bytes(range(128, 256)) * 4)
    assert "not UTF-8" in refused(path, "y")
    path.write_bytes(b"a,y\n1,2\x00\n")
    refused(path, "y")


def test_folders_missing_files_and_unknown_endings(tmp_path):
    (tmp_path / "folder.csv").mkdir()
    assert "is a folder" in refused(tmp_path / "folder.csv", "y")
    assert "cannot be read: No such file" in refused(tmp_path / "absent.csv", "y")
    assert "unknown kind of file" in refused(write(tmp_path, "x", name="data.xlsx"), "y")
