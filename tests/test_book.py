"""The built book, as a reader has it: a plain folder, a browser, no network."""

import io
import json
import re
import subprocess
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import measured
import numpy as np
import pytest
import yaml
from axe_playwright_python.base import AXE_SCRIPT
from bs4 import BeautifulSoup
from PIL import Image
from visits import Visit

ROOT = Path(__file__).resolve().parents[1]
HTML = ROOT / "_build" / "html"
PHONE = (390, 900)


def page_names() -> list[str]:
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    chapters = [c for part in toc["parts"] for c in part["chapters"]]
    pages = [c for chapter in chapters for c in (chapter, *chapter.get("sections", []))]
    return [toc["root"], *(page["file"] for page in pages)]


every_page = pytest.mark.parametrize("name", page_names())


@pytest.fixture(scope="session")
def html() -> Path:
    """The folder of the built book; `make book` keeps it up to date, so it runs here
    only where nothing has been built."""
    if not (HTML / "index.html").exists():
        subprocess.run(["make", "book"], cwd=ROOT, check=True)
    return HTML


class Page(Visit):
    """A page of the book, typeset."""

    def __init__(self, tab, path: Path, **how):
        super().__init__(tab, path, **how)
        if path.name != "index.html" or path.parent.name == "book":  # no redirect
            tab.evaluate("window.MathJax?.startup?.promise")

    def text(self) -> str:
        return self.page.inner_text("article")

    def barriers(self, fast=False, **options) -> list[str]:
        """What axe finds, a line for each place; hints and solutions are opened first,
        since nobody checks what is folded away."""
        if fast:
            self.page.evaluate(PLAIN)
            options["rules"] = {rule: {"enabled": False} for rule in SLOW}
        self.page.evaluate(AXE_SCRIPT)
        return self.page.evaluate(BARRIERS, options)


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
    document.querySelectorAll("details").forEach(node => node.open = true);
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

SLOW = ("color-contrast", "link-in-text-block")
"""axe's rule of contrast takes ten seconds a page, `CONTRAST` a third of one. That
links look other than text, two seconds more, is one style sheet's doing."""
WHOLE_AXE = ("book/index", "notebooks/errata")
"""Pages on which axe looks at both as well, and at `PLAIN`: one of each kind. The
playground has a test of its own."""

# Half of a page's elements colour code or are MathJax's, the same on every page.
PLAIN = """() => {
    const bare = node => node.tagName === "SPAN" &&
        node.getAttributeNames().every(name => name === "class");
    for (const code of document.querySelectorAll("pre"))
        if ([...code.querySelectorAll("*")].every(bare))
            code.textContent = code.textContent;
    document.querySelectorAll("mjx-container").forEach(node => node.replaceChildren());
}"""

BARRIERS = """async options => {
    document.querySelectorAll("details").forEach(node => node.open = true);
    const found = await axe.run(document, {resultTypes: ["violations"], ...options});
    return found.violations.flatMap(({id, help, nodes}) => nodes.map(
        node => `${id}: ${help}: ${node.target} ${node.html.slice(0, 100)}`));
}"""


# What a reader of this width does not see whole, and is not told of: text that is cut
# off, a box that scrolls without a hint, a label of a figure below 11 pixels.
UNSEEN = """() => {
    const found = [];
    const name = node => `${node.tagName}.${node.className}`.slice(0, 60);
    for (const node of document.querySelectorAll("article *")) {
        if (!node.checkVisibility() || node.closest("svg")) continue;
        if (node.closest(".math") && !node.matches("mjx-container[display]")) continue;
        const style = getComputedStyle(node);
        if (node.scrollWidth <= node.clientWidth + 2 || !node.clientWidth) continue;
        if (style.display === "inline" || style.overflowX === "visible") continue;
        if (style.overflowX === "hidden") found.push(`cut off: ${name(node)}`);
        const code = node.tagName === "PRE";
        if (code && innerWidth >= 1280) found.push(`code is cut: ${node.innerText}`);
        const hint = node.previousElementSibling;
        const told = hint?.className === "scroll-hint" && !hint.hidden;
        if (!code && !told)
            found.push(`scrolls, and does not say so: ${name(node)}`);
    }
    for (const image of document.querySelectorAll("article img[data-text]")) {
        const shown = image.getBoundingClientRect().width;
        const size = image.dataset.text * shown / parseFloat(image.style.width);
        if (shown && size < 11)
            found.push(`letters of ${size.toFixed(1)} px: ${image.alt.slice(0, 40)}`);
    }
    for (const text of document.querySelectorAll("article svg text")) {
        const box = text.ownerSVGElement.getBoundingClientRect();
        const scale = box.width / text.ownerSVGElement.viewBox.baseVal.width;
        const size = scale * parseFloat(text.getAttribute("font-size"));
        if (text.checkVisibility() && size < 11)
            found.push(`letters of ${size.toFixed(1)} px: ${text.textContent}`);
    }
    const tops = node => { // of its text's lines
        const range = document.createRange();
        range.selectNodeContents(node);
        return [...range.getClientRects()].map(box => box.top + box.height / 2);
    };
    const whole = "article span.math, article :is(h1, h2, h3) code";
    for (const formula of document.querySelectorAll(whole)) {
        const after = formula.nextSibling, box = formula.getBoundingClientRect();
        if (!/^[.,:;?!)]/.test(after?.data ?? "") || !box.height) continue;
        if (tops(after)[0] > box.bottom)
            found.push(`on a line of its own: ${after.data.slice(0, 9)}`);
    }
    for (const word of document.querySelectorAll("article code .pre"))
        if (/^--\\w/.test(word.textContent) && new Set(tops(word)).size > 1)
            found.push(`a broken option: ${word.textContent}`);
    for (const fold of document.querySelectorAll("article details.hide"))
        if (getComputedStyle(fold).boxShadow !== "none") found.push("a loud fold");
    for (const cell of document.querySelectorAll("article table td")) {
        const tops = new Set(), text = cell.innerText.trim();
        const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
        while (walker.nextNode()) {
            const range = document.createRange();
            range.selectNodeContents(walker.currentNode);
            for (const box of range.getClientRects()) tops.add(Math.round(box.top / 8));
        }
        if (!cell.querySelector(".math") && tops.size >= Math.max(3, text.length / 2))
            found.push(`a letter a line: ${text}`);
    }
    return [...new Set(found)];
}"""
WIDTHS = (390, 768, 1300)
HEIGHTS = {
    "notebooks/08_paper_tables": 12_000,
    "notebooks/09_cost_and_scale": 18_000,
    "notebooks/10_when_it_helps": 16_500,
}
"""Pixels, on a desk, of the chapters that are made of tables and machinery."""
FOLDED_HEIGHT = """() => {
    document.querySelectorAll("article details").forEach(node => node.open = false);
    return document.documentElement.scrollHeight;
}"""


@every_page
def test_a_page(html, tab, name):
    """By night on a phone, by day at every width; in one visit, since it is the
    typesetting of a page that takes long."""
    with Page(tab, html / f"{name}.html", dark=True, size=PHONE) as visit:
        page = visit.page
        assert page.locator("article details[open]").count() == 0
        assert "DiffPool, step by step" in page.title()
        assert page.locator("article h1").count() == 1
        raw = re.search(RAW_TEX, page.evaluate(TEXT_WITHOUT_CODE))
        assert raw is None, f"raw TeX: {raw}"
        formulas = page.locator("article .math").count()
        assert page.locator("article mjx-container").count() >= formulas
        assert page.locator("mjx-merror").count() == 0
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"
        visit.settle()
        background = "getComputedStyle(document.body).backgroundColor"
        assert max(map(int, re.findall(r"\d+", page.evaluate(background)))) < 60
        assert page.evaluate(CONTRAST) == [], "by night"
        page.emulate_media(color_scheme="light")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            visit.settle()
            assert page.evaluate(OVERFLOW) == [], f"{width} px"
            assert page.evaluate(UNSEEN) == [], f"{width} px"
        assert page.evaluate(CONTRAST) == []
        assert visit.outside == []
        assert visit.errors == []  # axe makes its own: it asks for style sheets
        assert visit.barriers(fast=name not in WHOLE_AXE) == []
        if name in HEIGHTS:
            assert 3_000 < page.evaluate(FOLDED_HEIGHT) <= HEIGHTS[name]


def test_what_is_not_seen_whole_is_found(tmp_path, tab):
    bad = tmp_path / "bad.html"
    long = "x" * 400
    bad.write_text(
        f"""<!doctype html><meta charset=utf-8><article>
        <div style="overflow: hidden; width: 200px">{long}</div>
        <div style="overflow: auto; width: 200px">{long}</div>
        <pre style="overflow: auto; width: 200px">{long}</pre>
        <img data-text="12" alt="small" style="width:900px;max-width:300px"
        src="data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7">
        <svg viewBox="0 0 640 10" width="320">
        <text y="9" font-size="13">svg</text></svg>
        <table><tr><td style="width: 1em; word-break: break-all">한국어 그래프</td>
        </tr></table><details class=hide style="box-shadow: 0 0 1px red"></details>
        <p style="width: 1em"><span class=math style="display: inline-block">A</span>.
        <code><span class=pre>--data-sets</span></code></p></article>"""
    )
    with Page(tab, bad) as visit:
        found = " ".join(visit.page.evaluate(UNSEEN))
        for words in ("cut off", "does not say so", "code is cut", "letters of 4.0 px"):
            assert words in found
        assert "letters of 6.5 px: svg" in found and "a letter a line" in found
        for words in ("on a line of its own: .", "broken option", "a loud fold"):
            assert words in found


# Of every figure and frame that is shown: which of its two images is?
DISPLAYED = """() => [...document.querySelectorAll(
        ".chapter-figure .ground:has(> img), [data-frames] > div")]
    .filter(box => box.checkVisibility())
    .map(box => [...box.querySelectorAll(":scope > img")]
        .filter(image => image.checkVisibility())
        .map(image => image.classList.contains("by-night") ? "night" : "day").join())"""


@pytest.mark.parametrize(
    "name, figure, orange",
    [
        ("notebooks/03_assignment_math", "#figure-3-2", (0xE6, 0x9F, 0x00)),
        ("notebooks/01_pooling_intro", ".dpcore-player", (0xE6, 0x9F, 0x00)),
        ("notebooks/07_hierarchies", ".dpcore-levels svg", (0xD5, 0x5E, 0x00)),
        ("notebooks/rivals", "figure img.by-night", None),
    ],
)
def test_by_night_figures_are_dark_and_orange_stays_orange(
    html, tab, name, figure, orange
):
    """The colours that are drawn, not those that a rule asks for: of a figure and of
    what is around it. The text names clusters by their colours."""
    with Page(tab, html / f"{name}.html", dark=True) as visit:
        page, place = visit.page, visit.page.locator(f"article {figure}").first
        place.scroll_into_view_if_needed()
        visit.settle()
        _is_dark(page, place)
        grounds = {"dark": (0x14, 0x18, 0x1E), "light": (255, 255, 255)}
        for scheme, ground in grounds.items() if orange else ():
            page.emulate_media(color_scheme=scheme)
            visit.settle()
            theme = "night" if scheme == "dark" else "day"
            assert set(page.evaluate(DISPLAYED)) == {theme}
            body = page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert body == "rgb({}, {}, {})".format(*ground)
            shot = Image.open(io.BytesIO(place.screenshot())).convert("RGB")
            pixels = np.asarray(shot, dtype=int)
            assert (np.abs(pixels - orange).max(-1) <= 3).sum() > 300, scheme
            around = np.abs(pixels - ground).max(-1) <= 1  # no box shows
            assert around.mean() > 0.3, scheme


def _is_dark(page, place) -> None:
    box = place.bounding_box()
    clip = {"x": box["x"] - 12, "y": box["y"] - 12}
    clip |= {"width": box["width"] + 24, "height": min(box["height"], 500) + 12}
    shot = page.screenshot(clip=clip)
    pixels = np.asarray(Image.open(io.BytesIO(shot)).convert("L"), dtype=int)
    frame = np.concatenate([pixels[:20].ravel(), pixels[:, :20].ravel()])
    assert np.median(frame) < 45 and (frame < 90).mean() > 0.9
    assert np.median(pixels) < 60  # paper is dark, too
    assert (pixels > 120).sum() > 100  # and something is drawn on it


@pytest.mark.parametrize("name", ["search", "genindex"])
def test_a_page_that_sphinx_wrote_has_no_barriers(html, tab, name):
    with Page(tab, html / f"{name}.html") as visit:
        assert visit.barriers(fast=name == "genindex") == []


# Whether the element that has the focus looks different from when it has not.
FOCUS = """() => {
    const node = document.activeElement;
    const look = () => {
        const style = getComputedStyle(node);
        return [style.outlineStyle, style.outlineWidth, style.boxShadow,
                style.borderColor, style.backgroundColor, style.textDecoration].join();
    };
    const focused = look();
    node.blur();
    const plain = look();
    node.focus({focusVisible: true});
    return [node.outerHTML.slice(0, 100), focused !== plain];
}"""


def test_the_keyboard_reaches_everything_and_is_seen(html, tab):
    """Tab first offers to skip what is the same on every page, then goes through it."""
    with Page(tab, html / "notebooks" / "04_toy_coarsening.html") as visit:
        page = visit.page
        page.keyboard.press("Tab")
        assert "Skip to main content" in page.evaluate("document.activeElement.text")
        page.keyboard.press("Enter")
        assert page.evaluate("location.hash") == "#main-content"
        # Without motion: a look that is on its way would be compared.
        page.add_style_tag(content="* { transition: none !important }")
        seen = []
        for _ in range(60):
            page.keyboard.press("Tab")
            seen.append(page.evaluate(FOCUS))
        assert [node for node, visible in seen if not visible] == []
        for kind in ("<button", "<a "):
            assert any(node.startswith(kind) for node, _ in seen), f"no {kind} reached"
        page.focus("article summary")
        page.keyboard.press("Enter")
        assert page.locator("article details").first.get_attribute("open") is not None


def test_formulas_are_typeset_with_the_fonts_of_the_folder(html, tab):
    with Page(tab, html / "book" / "notation.html") as visit:
        assert visit.page.locator("article mjx-container").count() >= 20
        visit.page.evaluate("document.fonts.ready")
        fonts = (
            "[...document.fonts].filter(f => f.status == 'loaded').map(f => f.family)"
        )
        assert any("MJX" in family for family in visit.page.evaluate(fonts))


@pytest.mark.parametrize(
    "words, page",
    [
        ("link prediction loss", "notation"),
        ("簇分配", "glossary"),  # the beginning of a word
        ("分配", "glossary"),  # the middle of one, and shorter than Sphinx looks for
        ("군집", "glossary"),
        ("xyzzy", None),
    ],
)
def test_search_answers_in_the_plain_folder(html, tab, words, page):
    with Page(tab, html / "search.html", rest="?q=" + quote(words)) as visit:
        visit.page.wait_for_function(
            "document.querySelector('.search-summary')?.innerText"
        )
        found = visit.page.locator("#search-results ul.search a")
        targets = [found.nth(i).get_attribute("href") for i in range(found.count())]
        if page is None:
            assert targets == []
        else:
            assert any(f"book/{page}.html" in target for target in targets)
        assert visit.outside == [] and visit.errors == []


def test_a_hit_shows_a_line_and_lands_at_its_section(html, tab):
    with Page(tab, html / "search.html", rest="?q=heavy+edge") as visit:
        hit = visit.page.locator("#search-results li", has_text="Who is asked").first
        hit.wait_for()
        assert "heavy" in hit.locator("p.hit mark").first.inner_text().lower()
        hits = visit.page.locator("#search-results p.hit").all_inner_texts()
        told = (html / "_static" / "excerpts.js").read_text("utf-8")
        assert not re.search(RAW_TEX, told.replace("\\\\", "\\"))
        cut = [hit.removesuffix(" …") for hit in hits if hit.endswith(" …")]
        assert cut and all(re.search(rf"{re.escape(end[-9:])}\W", told) for end in cut)
        hit.locator("a").click()
        visit.page.wait_for_load_state()
        assert visit.page.url.endswith("#who-is-asked")
        assert visit.errors == [] and visit.outside == []


def test_the_front_door_leads_to_the_book(html, tab):
    with Page(tab, html / "index.html") as visit:
        visit.page.wait_for_url("**/book/index.html*")
        assert "DiffPool" in visit.text()


def test_the_checks_see_what_is_wrong(tmp_path, tab):
    """A page with every fault, so that none of the checks above passes by sleeping."""
    bad = tmp_path / "bad.html"
    bad.write_text(
        """<!doctype html><title>bad</title><article>
        <p style="color: #999; background: #aaa">faint</p>
        <p>raw \\frac{a}{b}</p><div style="width: 3000px">wide</div>
        <img src="https://example.org/pixel.png"><img src="missing.png">
        <script>console.error("oh"); throw new Error("no")</script></article>"""
    )
    with Page(tab, bad, size=PHONE) as visit:
        assert visit.outside == ["https://example.org/pixel.png"]
        assert "oh" in visit.errors and "no" in visit.errors
        assert any("missing.png" in error for error in visit.errors)
        assert re.search(RAW_TEX, visit.page.evaluate(TEXT_WITHOUT_CODE))
        assert "faint" in visit.page.evaluate(CONTRAST)[0]
        assert "page" in visit.page.evaluate(OVERFLOW)[0]


def test_the_cheat_sheet_is_one_sheet_of_paper(html, tab, tmp_path):
    with Page(tab, html / "book" / "cheat_sheet.html") as visit:
        page = visit.page.pdf(format="A4", prefer_css_page_size=True)
    assert len(re.findall(rb"/Type */Page\b", page)) == 1
    assert re.search(rb"/MediaBox *\[0 0 59\d\S* 84[12]", page)


def test_axe_sees_what_is_wrong(tmp_path, tab):
    bad = tmp_path / "bad.html"
    bad.write_text(
        """<!doctype html><html><title>bad</title><main><h1>One</h1><h3>Three</h3>
        <img src="data:," width=9><button></button><a href="#x" tabindex=3></a>
        <details><summary>Hint</summary><p style="color: #aaa">faint</p></details>
        <pre><span class=k>def</span></pre><pre><a href="#y"><i></i></a></pre>
        </main><p>outside of every landmark</p></html>"""
    )
    with Page(tab, bad) as visit:
        found = {line.split(":")[0] for line in visit.barriers()}
        assert found >= {
            "button-name",
            "color-contrast",
            "heading-order",
            "html-has-lang",
            "image-alt",
            "link-name",
            "region",
            "tabindex",
        }
        only = visit.barriers(runOnly=["heading-order"])
        assert len(only) == 1 and "<h3>" in only[0]
        whole, fast = visit.barriers(), visit.barriers(fast=True)
        assert visit.page.locator("pre *").count() == 2  # of the link
        assert fast == [one for one in whole if one.split(":")[0] not in SLOW]


# --- without a browser --------------------------------------------------------------


def test_predictions_are_answered_in_the_page_and_kept(html, tab):
    chapter = html / "notebooks" / "01_pooling_intro.html"
    with Page(tab, chapter) as visit:
        page = visit.page
        first = page.locator("#prediction-1-1")
        first.get_by_role("button", name="the mean").click()
        verdict = first.locator("[role=status]")
        assert verdict.inner_text().startswith("Not answer 1. c is a twice")
        third = first.get_by_role("button", name="the sum")
        third.focus()
        page.keyboard.press("Enter")
        assert verdict.inner_text().startswith("Right. The sum is 4")
        assert third.get_attribute("aria-pressed") == "true"
        number = page.locator("#prediction-1-3")
        number.get_by_label("Your number").fill("3")
        number.get_by_role("button", name="Check").click()
        assert "two entries in" in number.inner_text()
        number.get_by_label("Your number").fill("six")
        page.keyboard.press("Enter")
        assert "Give a number" in number.inner_text()
        number.get_by_label("Your number").fill("6,0")
        page.keyboard.press("Enter")
        assert "Right." in number.locator("[role=status]").inner_text()
        assert page.locator("#prediction-1-2 .verdict").inner_text() == ""
        page.reload()
        assert verdict.inner_text().startswith("Right. The sum is 4")
        page.goto((html / "book" / "predictions.html").as_uri())
        assert "2 of " in page.inner_text("[data-predictions-total]")
        told = page.inner_text("#asked-prediction-1-1")
        assert "right in the end" in told
        page.click(".forget")
        assert page.inner_text("[data-predictions-total]").startswith("0 of ")
        page.click("#asked-prediction-1-2 a")
        page.wait_for_load_state()
        assert page.locator("#prediction-1-2").is_visible()
        assert visit.errors == [] and visit.outside == []


def test_what_a_browser_keeps_damaged_is_no_harm(html, tab):
    with Page(tab, html / "notebooks" / "06_proteins_training.html") as visit:
        for kept in ("{half", "[]", '{"6.1": {"said": 3}}'):
            visit.page.evaluate(
                "text => localStorage.setItem('dpcore-predictions', text)", kept
            )
            visit.page.reload()
            assert visit.page.locator(".prediction").count() >= 3
        assert visit.errors == []


@pytest.fixture(scope="session")
def soups(html) -> dict[Path, BeautifulSoup]:
    files = [html / f"{name}.html" for name in page_names()]
    files += [html / "search.html", html / "genindex.html"]
    # Half of all elements colour a word of code: without them, parsing takes half.
    colour = re.compile(r'<span class="[^"]*">([^<]*)</span>')
    texts = {file: colour.sub(r"\1", file.read_text("utf-8")) for file in files}
    return {file: BeautifulSoup(text, "html.parser") for file, text in texts.items()}


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


def test_what_is_folded_says_what_it_is(soups):
    """A label would be read to the blind in place of the name."""
    for page, soup in soups.items():
        folds = soup.select("details.hide > summary")
        assert not any(fold.has_attr("aria-label") for fold in folds)
        names = [fold.p.get_text() for fold in folds]
        assert "code" not in names, page.name
        figures = [name for name in names if name.startswith("code of Figure")]
        assert len(figures) == len(set(figures)), page.name


def test_code_holds_no_space_that_python_does_not_read(soups):
    """The extension that ties numbers to their units leaves code as it is."""
    for page, soup in soups.items():
        for code in soup.select("article :is(pre, code)"):
            assert "\xa0" not in code.get_text(), f"{page.name}: {code.get_text()[:60]}"


def test_no_sentence_is_taken_for_a_type(soups):
    """napoleon reads 'word: rest' under a constant as its type and what it is."""
    for page, soup in soups.items():
        for field in soup.select("dl.py.data dl.field-list dt"):
            assert "Type" not in field.get_text(), (
                f"{page.name}: {field.find_next('dd')}"
            )


def test_the_code_of_the_cheat_sheet_runs():
    text = (ROOT / "book" / "cheat_sheet.md").read_text("utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names = {}
    for block in blocks:
        assert max(map(len, block.splitlines())) <= 60  # a column of the sheet
        exec(block.replace('"PROTEINS", fallback=', ""), names)
    assert names["top"].x.shape == (2, 1, 8)
    assert names["adj1"].shape == (2, 2, 2) and len(names["history"]) == 1


def test_the_glossary_has_every_term_once_and_in_three_languages():
    text = (ROOT / "book" / "glossary.md").read_text("utf-8")
    rows = [line.strip("|").split(" | ") for line in text.splitlines() if "|" in line]
    rows = [[cell.strip() for cell in row] for row in rows if len(row) > 1]
    terms = [row[0] for row in rows if row[0] != "English"]
    assert len(terms) == len(set(terms)) >= 50
    assert all(len(row) == 4 and all(row) for row in rows)
    for word in ("assignment matrix", "coarsened adjacency", "link prediction loss"):
        assert word in terms
    for column, letters in {1: "[가-힣]", 2: "[一-鿿]"}.items():
        assert [r[0] for r in rows if not re.search(letters, r[column])] == ["softmax"]


def test_every_chapter_says_what_its_run_took(soups):
    records = json.loads((ROOT / measured.RESULTS).read_text("utf-8"))
    for page, soup in soups.items():
        if page.parent.name == "notebooks":
            (line,) = soup.select("article p.measured")
            assert line.find_previous_sibling().name == "h1"
            told = line.get_text()
            assert re.match(r"About \d+\xa0minutes to read\. .*\d\xa0s and \d", told)
            sentence = measured.sentence(records.get(page.stem))
            assert told.replace("\xa0", " ").endswith(sentence)


def test_what_the_line_of_a_run_says():
    run = dict(seconds=42.4, peak_mib=716, date="2026-11-21", python="3.11.7")
    run |= dict(machine="Linux, 2 cores", packages={"torch": "2.13.0", "numpy": "2.4"})
    line = measured.sentence(run | {"datasets": {}})
    for part in ("42 s", "716 MiB", "numpy 2.4, torch 2.13.0", "no data set"):
        assert part in line
    line = measured.sentence(run | {"datasets": {"PROTEINS": True, "DD": False}})
    assert "made with PROTEINS and DD (fallback);" in line
    line = measured.sentence(run | {"datasets": dict.fromkeys(("A", "B", "C"), True)})
    assert "made with A, B and C;" in line
    assert measured.sentence(None) == measured.NOT_YET


def test_pages_and_pictures_are_small(html):
    """Pictures and players are inside the pages. Not counted: what theme and MathJax
    bring along, of which a reader loads a few files once, and the notebooks' copies."""
    ours = [
        p
        for folder in ("book", "notebooks", "_images")
        for p in (html / folder).rglob("*")
    ]
    ours += [html / "_static" / p.name for p in (ROOT / "book" / "_static").iterdir()]
    sizes = {path: path.stat().st_size for path in ours if path.is_file()}
    largest = sorted(sizes, key=sizes.get, reverse=True)[:5]
    assert 1e6 < sum(sizes.values()) < 15e6, [(p.name, sizes[p]) for p in largest]
