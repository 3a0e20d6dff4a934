"""Ask every address outside that the book and the README link to: make links

Needs the network and the built book, so it is no part of `make test`. Each address is
asked once, a few at a time, one server after the other with a pause; what does not
answer well is listed with the pages that link to it. Exit status 1 if there is any.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urldefrag, urlsplit

import requests
from bs4 import BeautifulSoup
from chapters import ROOT

AGENT = "diffpool-book link check"
NO_HEAD = (403, 404, 405, 501)  # some servers answer HEAD so, though GET works
_MARKDOWN = re.compile(r"(?:\]\(|<)(https?://[^)>\s]+)")


def links_of_page(path: Path) -> set[str]:
    """The addresses outside that a built page or a Markdown file links to."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        found = _MARKDOWN.findall(text)
    else:
        soup = BeautifulSoup(text, "html.parser")
        found = [a["href"] for a in soup.find_all("a", href=re.compile("^https?://"))]
    return {urldefrag(link).url for link in found}


def external_links(pages: list[Path]) -> dict[str, list[Path]]:
    """Every address, with the pages that link to it."""
    where = defaultdict(list)
    for page in pages:
        for link in sorted(links_of_page(page)):
            where[link].append(page)
    return dict(sorted(where.items()))


def fault(url: str, timeout: float) -> str | None:
    """What is wrong with an address in a few words, or None."""
    ask = dict(timeout=timeout, allow_redirects=True, headers={"User-Agent": AGENT})
    try:
        answer = requests.head(url, **ask)
        if answer.status_code in NO_HEAD:
            with requests.get(url, stream=True, **ask) as answer:
                pass
    except requests.Timeout:
        return f"no answer within {timeout:g} s"
    except requests.RequestException as error:
        return type(error).__name__
    return None if answer.ok else f"{answer.status_code} {answer.reason}".strip()


def faults(urls: list[str], timeout: float, pause: float) -> dict[str, str]:
    """The faults of the addresses that have one. Servers side by side, the addresses
    of one server one after the other."""
    servers = defaultdict(list)
    for url in urls:
        servers[urlsplit(url).netloc].append(url)

    def ask(of_one_server: list[str]) -> dict[str, str]:
        found = {}
        for number, url in enumerate(of_one_server):
            time.sleep(pause if number else 0)
            if wrong := fault(url, timeout):
                found[url] = wrong
        return found

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, servers.values()))
    return {url: wrong for found in answers for url, wrong in found.items()}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "pages", nargs="*", type=Path, help="default: the built book and the README"
    )
    parser.add_argument("--timeout", type=float, default=20.0, help="seconds")
    parser.add_argument(
        "--pause", type=float, default=1.0, help="seconds, for each server"
    )
    options = parser.parse_args(arguments)
    html = ROOT / "_build" / "html"
    pages = options.pages
    if not pages:
        pages = [ROOT / "README.md", *sorted(html.glob("*/*.html"))]
        if not (html / "index.html").exists():
            print("nothing is built: make book", file=sys.stderr)
            return 2
    links = external_links(pages)
    wrong = faults(list(links), options.timeout, options.pause)
    for url, why in sorted(wrong.items()):
        print(f"{url}: {why}")
        print(f"    in {', '.join(page.name for page in links[url])}")
    print(f"{len(links)} addresses asked, {len(wrong)} of them do not answer well")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
