"""Sphinx extension: the buttons that need the publisher's address.

`book_address` in _config.yml is the only place where it stands. Empty, or an address
without a web page (file://): no button. A repository on GitHub, GitLab or Bitbucket
gets the repository button; on GitHub, notebooks get the Colab button as well.
"""

from __future__ import annotations

from urllib.parse import urlsplit

COLAB = "https://colab.research.google.com"
HOSTS = ("github.com", "gitlab.com", "bitbucket.org")


def is_on_github(address: str) -> bool:
    return urlsplit(address).netloc == "github.com"


def has_repository_page(address: str) -> bool:
    return urlsplit(address).netloc in HOSTS


def set_buttons(app, config) -> None:
    address = config.book_address
    shown = has_repository_page(address)
    colab = COLAB if is_on_github(address) else ""
    config.html_theme_options |= {
        "repository_url": address if shown else "",
        "repository_branch": "main",
        "use_repository_button": shown,
        "launch_buttons": {"colab_url": colab} if colab else {},
    }


def setup(app) -> dict:
    app.add_config_value("book_address", "", "html", [str])
    app.connect("config-inited", set_buttons, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
