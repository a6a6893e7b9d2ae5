"""Rows of a chart as Arrow: the same values, whichever keys a row has."""

from ui.show import table


def test_a_row_that_lacks_a_key_has_nothing_there():
    rows = [{"x": 1, "y": 2.5}, {"x": 2.5, "label": "gemm"}]
    assert table(rows).to_pylist() == [
        {"x": 1.0, "y": 2.5, "label": None},
        {"x": 2.5, "y": None, "label": "gemm"},
    ]


def test_no_rows_are_a_table_of_none():
    assert table([]).num_rows == 0
