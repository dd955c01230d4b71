"""One file, whole: text escaped, figures inline in the colour of the page."""

from __future__ import annotations

from html.parser import HTMLParser

from matplotlib.figure import Figure

from entreg.compare.report.html import page, picture, table
from entreg.compare.report.sheet import Sheet


class Balanced(HTMLParser):
    """Checks that every element is closed."""

    EMPTY = frozenset({"meta", "link"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(html: str) -> str:
    parser = Balanced()
    parser.feed(html)
    assert parser.open == []
    return parser.text


def test_a_page_is_balanced_and_says_its_verdicts_first() -> None:
    html = page("Title <1>", "sub", ["a & b: better"], [("One", "<p>first</p>"), ("Empty", ""), ("Two", "<p>last</p>")])
    text = read(html).split("}\n")[-1]  # after the style
    assert "<title>Title &lt;1&gt;</title>" in html
    assert text.index("a & b: better") < text.index("One") < text.index("first") < text.index("Two")
    assert "Empty" not in text
    assert "http" not in html.replace("http://www.w3.org", "")


def test_a_table_escapes_its_cells_and_an_empty_one_is_nothing() -> None:
    html = table(Sheet("t", ["a", "b"], [["<x>", "1"]]))
    assert "<td>&lt;x&gt;</td><td>1</td>" in html
    assert "<caption>t</caption>" in html
    read(html)
    assert table(Sheet("t", ["a"], [])) == ""


def test_a_figure_takes_the_colour_of_the_page() -> None:
    figure = Figure(figsize=(2, 2))
    ax = figure.subplots()
    ax.plot([0, 1], [0, 1], label="line")
    ax.set(xlabel="x & y", title="a title")
    ax.legend()
    html = picture(figure, "a line")
    assert html.startswith('<figure role="img" aria-label="a line" tabindex="0"><svg')
    assert "currentColor" in html
    assert "#010203" not in html
    assert "a title" in html
    assert picture(None, "nothing") == ""
