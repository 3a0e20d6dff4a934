"""A page from a plain file, in a tab without a network, and what went wrong on it."""

import re
from pathlib import Path

# Until what a new size or colour sets going has been done.
SETTLE = """async () => {
    const frame = () => new Promise(requestAnimationFrame);
    const fades = () =>
        document.getAnimations().filter(a => a instanceof CSSTransition);
    for (await frame(), await frame(); fades().length; await frame())
        for (const fade of fades()) fade.finish();
}"""


class Visit:
    """Opens `path` (and what follows it in the address) in `tab`, and leaves the tab as
    it was. Half of what a page would cost in a tab of its own is compiling the scripts
    that every page loads."""

    heard = ("error",)
    """The kinds of the console's messages that are errors."""

    def __init__(
        self, tab, path: Path, rest="", size=(1280, 900), dark=False, still=False
    ):
        self.page, self.outside, self.errors = tab, [], []
        tab.set_viewport_size(dict(zip(("width", "height"), size, strict=True)))
        tab.emulate_media(
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce" if still else "no-preference",
        )
        self.listeners = {
            "console": self._listen,
            "pageerror": lambda error: self.errors.append(str(error)),
            "request": self._asked,
            "requestfailed": self._failed,
        }
        for event, listener in self.listeners.items():
            tab.on(event, listener)
        tab.goto(path.as_uri() + rest, wait_until="load")

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        for event, listener in self.listeners.items():
            self.page.remove_listener(event, listener)
        self.page.evaluate("localStorage.clear(), sessionStorage.clear()")
        self.page.goto("about:blank")

    def _listen(self, message):
        if message.type in self.heard:
            self.errors.append(message.text)

    def _asked(self, request):
        if not re.match("file:|data:|blob:|about:", request.url):
            self.outside.append(request.url)

    def _failed(self, request):
        if request.failure != "net::ERR_ABORTED":  # the page was left before it came
            self.errors.append(f"failed: {request.url}")

    def settle(self):
        self.page.evaluate(SETTLE)
