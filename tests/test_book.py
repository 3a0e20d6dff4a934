"""The built book, as a reader has it: a plain folder, a browser, no network."""

import re
import subprocess
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from bs4 import BeautifulSoup

ROOT = Path(__file__).resolve().parents[1]
HTML = ROOT / "_build" / "html"
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}


def page_names() -> list[str]:
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    chapters = [c["file"] for part in toc["parts"] for c in part["chapters"]]
    return [toc["root"], *chapters]


every_page = pytest.mark.parametrize("name", page_names())


@pytest.fixture(scope="session")
def html() -> Path:
    """The folder of the built book; `make book` keeps it up to date, so it runs here
    only where nothing has been built."""
    if not (HTML / "index.html").exists():
        subprocess.run(["make", "book"], cwd=ROOT, check=True)
    return HTML


class Visit:
    """One page in a browser without network, and what went wrong on it."""

    def __init__(self, browser, path: Path, dark=False, size=DESKTOP, query=""):
        self.outside, self.errors = [], []
        scheme = "dark" if dark else "light"
        self.context = browser.new_context(viewport=size, color_scheme=scheme)
        self.context.route(re.compile("^(?!file:|data:|blob:|about:)"), self._refuse)
        self.context.set_offline(True)
        self.page = self.context.new_page()
        self.page.on("console", self._listen)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("requestfailed", lambda r: self.errors.append(f"failed: {r.url}"))
        self.page.goto(path.as_uri() + query, wait_until="load")
        if path.name != "index.html" or path.parent.name == "book":  # no redirect
            self.page.evaluate("window.MathJax?.startup?.promise")

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.context.close()

    def _refuse(self, route):
        self.outside.append(route.request.url)
        route.abort()

    def _listen(self, message):
        if message.type == "error":
            self.errors.append(message.text)

    def text(self) -> str:
        return self.page.inner_text("article")


# What a formula looks like when nobody typeset it. Code is not looked at.
RAW_TEX = r"\$\$|\\\(|\\\[|\\(frac|mathbf|mathrm|top|tilde|sum|lVert|begin|text)\b"
TEXT_WITHOUT_CODE = """() => {
    const copy = document.querySelector("article").cloneNode(true);
    copy.querySelectorAll("pre, code, mjx-container, script, style")
        .forEach(node => node.remove());
    return copy.textContent;
}"""

# Where the page is wider than the window, and what sticks out.
OVERFLOW = """() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    const wide = [...document.querySelectorAll("article *")]
        .filter(node => node.getBoundingClientRect().right > width + 1)
        .map(node => node.tagName + "." + node.className);
    const page = document.documentElement.scrollWidth;
    return [`page ${page} > ${width}`, ...wide.slice(0, 5)];
}"""

# WCAG's contrast of every piece of text with what is behind it; large text may have 3.
CONTRAST = """() => {
    const numbers = color => color.match(/[\\d.]+/g).map(Number);
    const channel = value => {
        const c = value / 255;
        return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    };
    const light = ([r, g, b]) =>
        0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
    const over = (top, below) => {
        const a = top[3] ?? 1;
        return [0, 1, 2].map(i => a * top[i] + (1 - a) * below[i]);
    };
    const behind = node => {
        if (!node) return [255, 255, 255];
        const color = numbers(getComputedStyle(node).backgroundColor);
        return (color[3] ?? 1) === 1 ? color : over(color, behind(node.parentElement));
    };
    const weak = [];
    const walker = document.createTreeWalker(
        document.querySelector("article"), NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const node = walker.currentNode.parentElement;
        const text = walker.currentNode.data.trim(), all = {
            visibilityProperty: true, opacityProperty: true};
        if (!text || !node.checkVisibility(all)) continue;
        const style = getComputedStyle(node), ground = behind(node);
        const size = parseFloat(style.fontSize), bold = style.fontWeight >= 700;
        const [high, low] = [light(over(numbers(style.color), ground)), light(ground)]
            .sort((a, b) => b - a);
        const ratio = (high + 0.05) / (low + 0.05);
        if (ratio < (size >= 24 || bold && size >= 18.66 ? 3 : 4.5))
            weak.push(`${ratio.toFixed(2)}: ${text.slice(0, 40)} (${node.className})`);
    }
    return [...new Set(weak)];
}"""


@every_page
def test_a_page_by_day_on_a_desk(html, browser, name):
    with Visit(browser, html / f"{name}.html") as visit:
        assert visit.outside == []
        assert visit.errors == []
        assert "DiffPool, step by step" in visit.page.title()
        assert visit.page.locator("article h1").count() == 1
        raw = re.search(RAW_TEX, visit.page.evaluate(TEXT_WITHOUT_CODE))
        assert raw is None, f"raw TeX: {raw}"
        formulas = visit.page.locator("article .math").count()
        typeset = visit.page.locator("article mjx-container").count()
        assert typeset >= formulas
        assert visit.page.locator("mjx-merror").count() == 0
        assert visit.page.evaluate(CONTRAST) == []
        assert visit.page.evaluate(OVERFLOW) == []


@every_page
def test_a_page_by_night_on_a_phone(html, browser, name):
    with Visit(browser, html / f"{name}.html", dark=True, size=PHONE) as visit:
        assert visit.outside == []
        assert visit.errors == []
        assert visit.page.evaluate("document.documentElement.dataset.theme") == "dark"
        background = "getComputedStyle(document.body).backgroundColor"
        assert max(map(int, re.findall(r"\d+", visit.page.evaluate(background)))) < 60
        assert visit.page.evaluate(CONTRAST) == []
        assert visit.page.evaluate(OVERFLOW) == []


def test_formulas_are_typeset_with_the_fonts_of_the_folder(html, browser):
    with Visit(browser, html / "book" / "notation.html") as visit:
        assert visit.page.locator("article mjx-container").count() >= 20
        visit.page.evaluate("document.fonts.ready")
        fonts = (
            "[...document.fonts].filter(f => f.status == 'loaded').map(f => f.family)"
        )
        assert any("MJX" in family for family in visit.page.evaluate(fonts))


def test_search_answers_in_the_plain_folder(html, browser):
    query = "?q=link+prediction+loss"
    with Visit(browser, html / "search.html", query=query) as visit:
        visit.page.wait_for_selector("#search-results ul.search li", timeout=10_000)
        found = visit.page.locator("#search-results ul.search a")
        targets = [found.nth(i).get_attribute("href") for i in range(found.count())]
        assert any("notation.html" in target for target in targets)
        assert visit.outside == [] and visit.errors == []


def test_the_front_door_leads_to_the_book(html, browser):
    with Visit(browser, html / "index.html") as visit:
        visit.page.wait_for_url("**/book/index.html*", timeout=10_000)
        assert "DiffPool" in visit.text()


def test_the_checks_see_what_is_wrong(tmp_path, browser):
    """A page with every fault, so that none of the checks above passes by sleeping."""
    bad = tmp_path / "bad.html"
    bad.write_text(
        """<!doctype html><title>bad</title><article>
        <p style="color: #999; background: #aaa">faint</p>
        <p>raw \\frac{a}{b}</p><div style="width: 3000px">wide</div>
        <img src="https://example.org/pixel.png"><img src="missing.png">
        <script>console.error("oh"); throw new Error("no")</script></article>"""
    )
    with Visit(browser, bad, size=PHONE) as visit:
        assert visit.outside == ["https://example.org/pixel.png"]
        assert "oh" in visit.errors and "no" in visit.errors
        assert any("missing.png" in error for error in visit.errors)
        assert re.search(RAW_TEX, visit.page.evaluate(TEXT_WITHOUT_CODE))
        assert "faint" in visit.page.evaluate(CONTRAST)[0]
        assert "page" in visit.page.evaluate(OVERFLOW)[0]


# --- without a browser --------------------------------------------------------------


@pytest.fixture(scope="session")
def soups(html) -> dict[Path, BeautifulSoup]:
    files = [html / f"{name}.html" for name in page_names()]
    files += [html / "search.html", html / "genindex.html"]
    return {f: BeautifulSoup(f.read_text("utf-8"), "html.parser") for f in files}


def test_every_internal_link_anchor_and_image_resolves(soups):
    ids = {
        page: {x["id"] for x in soup.find_all(id=True)} for page, soup in soups.items()
    }
    broken = []
    for page, soup in soups.items():
        links = [a["href"] for a in soup.find_all(["a", "link"], href=True)]
        sources = [x["src"] for x in soup.find_all(["img", "script"], src=True)]
        for link in links + sources:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (
                (page.parent / unquote(parts.path)).resolve() if parts.path else page
            )
            anchor = unquote(parts.fragment)
            if not target.exists():
                broken.append(f"{page.name}: {link}")
            elif anchor and anchor not in ids.get(target, ()):
                broken.append(f"{page.name}: {link} has no such anchor")
    assert broken == []


def test_no_page_loads_anything_from_elsewhere(soups):
    loads = {"script": "src", "img": "src", "link": "href", "iframe": "src"}
    outside = [
        f"{page.name}: {tag[name]}"
        for page, soup in soups.items()
        for kind, name in loads.items()
        for tag in soup.find_all(kind, **{name: re.compile("^(https?:)?//")})
    ]
    assert outside == []


def test_every_image_has_a_description(soups):
    missing = [
        f"{page.name}: {str(image)[:80]}"
        for page, soup in soups.items()
        for image in soup.select("article img")
        if len(image.get("alt", "")) < 20 or "_images/" in image["alt"]
    ]
    assert missing == []


def test_every_notebook_can_be_downloaded(soups):
    for page, soup in soups.items():
        if page.parent.name == "notebooks":
            link = soup.find("a", href=re.compile(rf"_sources/.*{page.stem}\.ipynb$"))
            assert link and (page.parent / link["href"]).resolve().is_file()


def test_details_render_their_markdown(soups):
    """Hints and solutions are folded HTML around Markdown, which needs a blank line."""
    for page, soup in soups.items():
        for details in soup.select("article details"):
            assert "```" not in details.get_text(), f"{page.name}: raw Markdown"
            if details.summary and details.summary.get_text() == "Solution":
                assert details.select("div.highlight"), f"{page.name}: no code"
