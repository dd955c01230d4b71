"""One file, whole: text escaped, figures inline in the colour of the page."""

from __future__ import annotations

from html.parser import HTMLParser

from matplotlib.figure import Figure

from entreg.compare.report.html import Page, picture, table, verdict
from entreg.compare.report.plots.axes import mark_of
from entreg.compare.report.sheet import Sheet


class Balanced(HTMLParser):
    """Checks that every element is closed."""

    EMPTY = frozenset({"meta", "link", "input"})

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
    sections = [("One", "<p>first</p>"), ("Empty", ""), ("Two", "<p>last</p>")]
    html = Page("Title <1>", "sub", [("a<b", "#123")], verdict("worse", "Worse", "a & b: NLL 1"), sections).html()
    read(html)
    assert "<title>Title &lt;1&gt;</title>" in html
    assert html.index("Worse") < html.index("<h2>One") < html.index("<p>first") < html.index("<h2>Two")
    assert '<p class="verdict worse"><strong>Worse</strong>: a &amp; b: <abbr title="negative log' in html
    assert '<a href="#s1">Two</a>' in html
    assert '<section id="s1"><h2>Two</h2>' in html
    assert "Empty" not in html
    assert "http" not in html.replace("http://www.w3.org", "")


def test_a_table_escapes_its_cells_and_an_empty_one_is_nothing() -> None:
    html = table(Sheet("t", ["a", "b"], [["<x>", "1"]]))
    assert "<td>&lt;x&gt;</td><td>1</td>" in html
    assert "<caption>t</caption>" in html
    read(html)
    assert table(Sheet("t", ["a"], [])) == ""


def test_a_table_explains_its_terms_and_what_is_missing() -> None:
    html = table(Sheet("t", ["arm", "ECE %"], [["x", "1.5"], ["y", "-"]], "nothing measured"))
    assert '<abbr title="expected calibration error' in html
    assert html.endswith('<p class="note">- : nothing measured</p>')
    assert "nothing measured" not in table(Sheet("t", ["arm", "ECE %"], [["x", "1.5"]], "nothing measured"))


def test_a_figure_takes_the_colour_of_the_page() -> None:
    figure = Figure(figsize=(2, 2))
    ax = figure.subplots()
    ax.plot([0, 1], [0, 1], label="line", gid=mark_of(3, 'a<b, "seed 1"'))
    ax.set(xlabel="x & y", title="a title")
    ax.legend()
    html = picture(figure, "a line")
    assert html.startswith('<figure role="group" aria-label="a line"><svg')
    assert '<g class="arm-3"><title>a&lt;b, "seed 1"</title>' in html
    assert "currentColor" in html
    assert "#010203" not in html
    assert "a title" in html
