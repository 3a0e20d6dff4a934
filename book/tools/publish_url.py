"""Set the book's address everywhere, or take it out: make publish-url URL=...

The address stands in _config.yml (`book_address`); this command writes it there and
copies it into the first code cell of every notebook, the README (its Colab links, and
its other links, which a package index needs absolute) and the project's metadata.
Either every file is changed or none.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from book_address import COLAB, is_on_github
from chapters import ROOT, address, is_setup_cell, paths, setup_cell

from dpcore.data.files import write_whole

_CONFIG_LINE = re.compile(r'^( *book_address: *)"([^"\n]*)"', re.MULTILINE)
_README_BLOCK = re.compile(r"(?s)(?<=<!-- address -->\n).*?(?=<!-- /address -->)")
_PROJECT_BLOCK = re.compile(r"(?s)(?<=\n# address\n).*?(?=# /address\n)")
_LINK = re.compile(r"(!?)(\[[^\]\n]*\]\()([^)\s]+)\)")
_WEB = re.compile(r"https://[A-Za-z0-9.-]+(:\d+)?(/[A-Za-z0-9._~%+-]+)+")
_LOCAL = re.compile(r"file://(/[A-Za-z0-9._~%+-]+)+")


class PublishError(ValueError):
    """Says in one line why nothing was changed."""


def checked(url: str) -> str:
    """The address in the form in which it is stored; "" takes it out.

    Raises PublishError for anything but https://host/path or file:///path: the address
    ends up in code that others run.

    >>> checked(" https://github.com/you/diffpool-book.git/ ")
    'https://github.com/you/diffpool-book'
    """
    url = url.strip().rstrip("/")
    if not url:
        return ""
    if is_on_github(url):
        url = url.removesuffix(".git")
        if url.count("/") != 4:
            raise PublishError(f"expected https://github.com/OWNER/NAME, got {url}")
    if not (_WEB.fullmatch(url) or _LOCAL.fullmatch(url)):
        raise PublishError(f"expected https://HOST/PATH or file:///PATH, got {url!r}")
    return url


def on_the_web(url: str) -> str:
    """The address where a browser can open it; "" for a local clone, whose files have
    no pages to link to and which the package's metadata cannot name."""
    return url if _WEB.fullmatch(url) else ""


def new_config(text: str, url: str) -> str:
    text, count = _CONFIG_LINE.subn(lambda m: f'{m[1]}"{url}"', text)
    if count != 1:
        raise PublishError(f'_config.yml: one line book_address: "...", not {count}')
    return text


def new_notebook(text: str, url: str, name: str) -> str:
    """The notebook's file with the address in its first code cell, else unchanged."""
    notebook = json.loads(text)
    cell = next((c for c in notebook["cells"] if c["cell_type"] == "code"), None)
    source = "".join(cell["source"]) if cell else ""
    if not is_setup_cell(source):
        raise PublishError(f"{name}: its first code cell is not the setup cell")
    old = re.search(r'^REPOSITORY = ".*"', source, re.MULTILINE)[0]
    new = f'REPOSITORY = "{url}"'
    in_file = [json.dumps(line, ensure_ascii=False)[1:-1] for line in (old, new)]
    result = text.replace(*in_file, 1)
    position = notebook["cells"].index(cell)
    cell["source"] = json.loads(result)["cells"][position]["source"]
    if "".join(cell["source"]) != setup_cell(url) or json.loads(result) != notebook:
        raise PublishError(f"{name}: could not find the address in the file")
    return result


def readme_block(url: str, notebooks: list[Path]) -> str:
    """What stands between the two address comments of the README."""
    if not url:
        return "Colab links appear here once the publisher has set the address.\n"
    lines = [f"The repository: <{url}>\n"]
    if is_on_github(url):
        base = url.replace("https://github.com", f"{COLAB}/github")
        links = [
            f"[{p.stem.split('_')[0]}]({base}/blob/main/notebooks/{p.name})"
            for p in notebooks
        ]
        lines.append(f"Open a chapter on Colab: {' · '.join(links)}\n")
    return "\n".join(lines)


def new_readme(text: str, old: str, url: str, notebooks: list[Path]) -> str:
    block, count = readme_block(url, notebooks), len(_README_BLOCK.findall(text))
    if count != 1:
        raise PublishError(f"README.md: one pair of address comments, not {count}")
    text = _README_BLOCK.sub("", text)
    old, new = on_the_web(old), on_the_web(url)
    text = _LINK.sub(lambda link: moved_link(*link.groups(), old, new), text)
    return _README_BLOCK.sub(lambda _: block, text)


def moved_link(image: str, start: str, target: str, old: str, url: str) -> str:
    """A link into the repository: absolute where there is an address, else relative.

    >>> moved_link("", "[licence](", "LICENSE", "", "https://github.com/you/name")
    '[licence](https://github.com/you/name/blob/main/LICENSE)'
    >>> moved_link("!", "[](", "https://github.com/a/b/raw/main/c.png",
    ...            "https://github.com/a/b", "")
    '![](c.png)'
    """
    for place in ("blob", "raw") if old else ():
        target = target.removeprefix(f"{old}/{place}/main/")
    if url and not re.match(r"[a-z]+:|#", target):
        target = f"{url}/{'raw' if image else 'blob'}/main/{target}"
    return f"{image}{start}{target})"


def new_project(text: str, url: str) -> str:
    """pyproject.toml with the address as the project's own."""
    url = on_the_web(url)
    lines = f'Homepage = "{url}"\nRepository = "{url}"\n' if url else ""
    text, count = _PROJECT_BLOCK.subn(lambda _: lines, text)
    if count != 1:
        raise PublishError(f"pyproject.toml: one pair of address comments, not {count}")
    return text


def changes(root: Path, url: str) -> dict[Path, str]:
    """The whole new text of every file that has to change."""
    config, readme = root / "_config.yml", root / "README.md"
    project, books = root / "pyproject.toml", paths(root)
    old = {p: p.read_text(encoding="utf-8") for p in (config, readme, project, *books)}
    new = {
        config: new_config(old[config], url),
        readme: new_readme(old[readme], address(root), url, books),
        project: new_project(old[project], url),
        **{p: new_notebook(old[p], url, p.name) for p in books},
    }
    return {path: text for path, text in new.items() if text != old[path]}


def write_all(texts: dict[Path, str]) -> None:
    """Replace every file whole; where one cannot be written, put all back."""
    before = {path: path.read_bytes() for path in texts}
    done = []
    try:
        for path, text in texts.items():
            write_whole(path, text)
            done.append(path)
    except OSError:
        for path in done:
            write_whole(path, before[path])
        raise


def main(arguments: list[str], root: Path = ROOT) -> int:
    if len(arguments) != 1:
        print("usage: make publish-url URL=https://HOST/PATH", file=sys.stderr)
        return 2
    try:
        url = checked(arguments[0])
        texts = changes(root, url)
        write_all(texts)
    except (PublishError, OSError) as error:
        print(f"nothing changed: {error}", file=sys.stderr)
        return 2 if isinstance(error, PublishError) else 1
    for path in texts:
        print(f"wrote {path.relative_to(root)}")
    print(f"the book's address: {url or 'none'}; {len(texts)} files changed")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
