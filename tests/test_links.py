"""make links: which addresses are asked, and what counts as an answer."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import check_links
import pytest

STATUS = {"/good": 200, "/gone": 404, "/broken": 500, "/away": 301, "/lost": 302}


class Server(BaseHTTPRequestHandler):
    """Answers by path; /no-head only to GET, /slow after a second."""

    def do_GET(self):
        self.server.asked.append((self.command, self.path))
        if self.path == "/slow":
            time.sleep(1)
        head = self.command == "HEAD" and self.path == "/no-head"
        self.send_response(405 if head else STATUS.get(self.path, 200))
        if self.path == "/away":
            self.send_header("Location", "/good")
        if self.path == "/lost":
            self.send_header("Location", "/gone")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        server.asked = []
        server.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.parametrize(
    "path, why",
    [
        ("/good", None),
        ("/away", None),
        ("/no-head", None),
        ("/gone", "404 Not Found"),
        ("/lost", "404 Not Found"),
        ("/broken", "500 Internal Server Error"),
        ("/slow", "no answer within 0.2 s"),
    ],
)
def test_what_counts_as_an_answer(server, path, why):
    assert (
        check_links.fault(server.url + path, timeout=0.2 if path == "/slow" else 20)
        == why
    )


def test_where_nobody_listens(server):
    server.shutdown()
    server.server_close()
    assert check_links.fault(server.url, timeout=5) == "ConnectionError"


def test_the_pause_is_for_one_server(server):
    urls = [f"{server.url}/{number}" for number in range(3)]
    start = time.perf_counter()
    assert check_links.faults(urls, timeout=5, pause=0.1) == {}
    assert time.perf_counter() - start >= 0.2
    assert len(server.asked) == 3


def test_every_address_is_asked_once_and_the_bad_ones_are_listed(
    server, tmp_path, capsys
):
    page, readme = tmp_path / "page.html", tmp_path / "README.md"
    page.write_text(
        f'<a href="{server.url}/good#a">1</a><a href="{server.url}/good#b">2</a>'
        f'<a href="{server.url}/gone">3</a><a href="other.html">4</a>'
        '<a href="mailto:a@b.c">5</a>'
    )
    readme.write_text(f"[a]({server.url}/gone) <{server.url}/away> ![b](picture.png)")
    assert check_links.main([str(page), str(readme), "--pause", "0"]) == 1
    told = capsys.readouterr().out
    assert f"{server.url}/gone: 404 Not Found\n    in page.html, README.md" in told
    assert "3 addresses asked, 1 of them do not answer well" in told
    heads = [path for command, path in server.asked if command == "HEAD"]
    assert sorted(heads) == ["/away", "/gone", "/good", "/good"]  # /away leads to /good
    page.write_text(f'<a href="{server.url}/good">1</a>')
    assert check_links.main([str(page)]) == 0


def test_an_unbuilt_book_is_said(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(check_links, "ROOT", tmp_path)
    assert check_links.main([]) == 2
    assert "make book" in capsys.readouterr().err
