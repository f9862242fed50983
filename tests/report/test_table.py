"""One table as HTML, Markdown, LaTeX and plain text."""

import pytest

from emogan.report.table import Table, number, p_value, percent, points

TABLE = Table(
    "name", "A title", (("", "where"), ("", "who"), ("rates", "a_b"), ("rates", "p < 1")),
    (("x", "one", "−1.0", "5 %"), ("x", "two", "2\n3", "a&b|c"), ("y", "two", "–", "")), "A note.", 2,
)  # fmt: skip


def test_cells_are_escaped_in_html_and_repeated_stubs_left_out():
    text = TABLE.html()
    assert "<td>2<br>3</td><td>a&amp;b|c</td>" in text
    assert text.count(">x</th>") == 1
    assert '<th colspan="2" scope="colgroup">rates</th>' in text


def test_markdown_has_as_many_cells_in_each_line():
    lines = [line for line in TABLE.markdown().splitlines() if line.startswith("|")]
    assert {line.replace(r"\|", "").count("|") for line in lines} == {5}
    assert lines[0] == "| where | who | rates a_b | rates p < 1 |"
    assert lines[3] == r"| x | two | 2<br>3 | a&b\|c |"


def test_latex_escapes_and_groups():
    text = TABLE.latex()
    assert r"\multicolumn{2}{c}{}" in text
    assert r"\multicolumn{2}{c}{rates}" in text
    assert r"\cmidrule(lr){3-4}" in text
    assert r"x & one & $-$1.0 & 5 \% \\" in text
    assert r" & two & \shortstack{2 \\ 3} & a\&b|c \\" in text
    assert text.count(r"\addlinespace") == 1
    assert r"a\_b & p $<$ 1" in text


def test_text_columns_end_where_their_heads_end():
    _, *lines = TABLE.text().splitlines()
    assert len({line.find("a_b") + 3 for line in lines[:1]} | {lines[1].find("−1.0") + 4}) == 1


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match="expected 1 cells, got 2"):
        Table("name", "title", (("", "a"),), (("1", "2"),))


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (percent(0.12345), "12.3"), (percent(0.12345, 2), "12.35"), (percent(float("nan")), "–"),
        (points(0.0123), "+1.2"), (points(-0.0123), "−1.2"), (points(-0.00001), "0.0"), (points(float("nan")), "–"),
        (number(-0.5), "−0.50"), (p_value(0.0004), "< 0.001"), (p_value(0.05), "0.050"), (p_value(float("nan")), "–"),
    ],
)  # fmt: skip
def test_numbers_are_written_as_on_paper(shown, text):
    assert shown == text
