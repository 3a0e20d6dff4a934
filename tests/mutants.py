"""Mutants: one small fault at a time, and whether the unit tests see it.

    make mutants                         every part, a sample of each module's mutants
    make mutants PART=training SAMPLE=0  one part, all mutants of it
    make mutants SAMPLE=-1               those of mutants_by_hand.txt alone

mutmut makes most of the faults; coverage knows which tests execute them. mutmut's own
runner leaves out decorated functions (`cached_property`, `no_grad`, the backward passes
under `once_differentiable`) and all that is in no function: the plan, the registry of
models, the candidates for C. Those decide numbers here. So this runner works on a copy
of the repository: one process imports everything and collects the tests, and for each
mutant it forks, exchanges the code of one function and runs the tests that execute it.

A mutant is named by its function's text and its place in it: what is decided is not
decided again, unless the function changes or, for a survivor, the tests do.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import gc
import hashlib
import importlib
import inspect
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
import types
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import coverage
import hypothesis
import libcst as cst
import pytest
from libcst.metadata import MetadataWrapper, PositionProvider

ROOT = Path(__file__).parent.parent
BUILD = ROOT / "_build" / "mutants"
RESULTS = BUILD / "results.jsonl"
OWN = BUILD / str(os.getpid())  # of this run: two may run side by side
COPY = OWN / "copy"
TMP = Path(tempfile.gettempdir()) / f"mutants-{os.getpid()}"  # in no clone
PAGE = ROOT / "tests" / "MUTANTS.md"
BY_HAND = Path(__file__).with_name("mutants_by_hand.txt")
CONFIG = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
SLOW = CONFIG["slow_seconds"]
TYPES = "TYPE_CHECKING"
TEXTS = ("warn", "ValueError", "TypeError", "RuntimeError", "print", "write_line")
PAIRS = ("max min", "amax amin", "mean sum", "argmax argmin", "all any", "zeros ones")
PAIRS += ("floor ceil", "validation test", "row col", "in out")
OTHER = dict(pair.split() for pair in PAIRS)
OTHER |= {second: first for first, second in OTHER.items()}
OTHER |= {"sorted": "list", "train": "validation"}


# ---------------------------------------------------------------- the faults


def _ours(node: cst.CSTNode):
    """Faults of a tired developer that mutmut does not make."""
    if isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute):
        yield node.func.value  # x.detach() → x
    if isinstance(node, cst.Call) and len(node.args) > 1:
        first, second, *rest = node.args
        if not (first.keyword or second.keyword or first.star or second.star):
            b = second.with_changes(comma=first.comma)
            yield node.with_changes(
                args=[b, first.with_changes(comma=second.comma), *rest]
            )
    if isinstance(node, cst.Attribute) and node.attr.value == "T":
        yield node.value
    if isinstance(node, cst.Attribute) and node.attr.value in OTHER:
        yield node.with_changes(attr=cst.Name(OTHER[node.attr.value]))
    if isinstance(node, cst.Call) and getattr(node.func, "value", None) in OTHER:
        yield node.with_changes(func=cst.Name(OTHER[node.func.value]))
    if isinstance(node, cst.Integer) and node.value != "0":
        yield node.with_changes(value=str(int(node.value.replace("_", ""), 0) - 1))
    if isinstance(node, cst.If | cst.While):
        yield node.with_changes(test=cst.Name("False"))
    if isinstance(node, cst.If):
        yield node.with_changes(test=cst.Name("True"))
    if isinstance(node, cst.Expr) and isinstance(node.value, cst.Call | cst.Yield):
        yield cst.Expr(cst.Name("None"))  # a statement forgotten
    if isinstance(node, cst.AugAssign):
        yield cst.Expr(cst.Name("None"))
    if isinstance(node, cst.BinaryOperation):
        yield node.left  # a term or a factor forgotten
        yield node.right


def _operators():
    from mutmut.mutation import mutators

    # `a = None` and `f(None)` crash at once and would only flatter the figures.
    skipped = (mutators.operator_assignment, mutators.operator_string)
    return [pair for pair in mutators.mutation_operators if pair[1] not in skipped]


class _Faults(cst.CSTVisitor):
    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self) -> None:
        self.found: list[tuple[cst.CSTNode, cst.CSTNode, tuple[str, int, int]]] = []
        self._inside: list[cst.FunctionDef | cst.ClassDef] = []
        self._operators = _operators()

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, cst.Annotation | cst.Decorator | cst.Raise | cst.Assert):
            return False
        if isinstance(node, cst.Import | cst.ImportFrom | cst.SimpleString):
            return False
        if isinstance(node, cst.Arg) and getattr(node.keyword, "value", "") == "strict":
            return False  # of zip: an assertion
        if isinstance(node, cst.Call):
            name = node.func.attr if isinstance(node.func, cst.Attribute) else node.func
            if getattr(name, "value", "") in TEXTS:
                return False
        if isinstance(node, cst.If) and getattr(node.test, "value", "") == TYPES:
            return False
        if isinstance(node, cst.FunctionDef) and node.name.value == "__repr__":
            return False
        if isinstance(node, cst.FunctionDef | cst.ClassDef):
            self._inside.append(node)
        for kind, operator in self._operators:
            if isinstance(node, kind):
                for fault in operator(node):
                    if not self._none_for_positional(node, fault):
                        self._keep(node, fault)
        for fault in _ours(node):
            self._keep(node, fault)
        return True

    def on_leave(self, node: cst.CSTNode) -> None:
        if self._inside and self._inside[-1] is node:
            self._inside.pop()

    @staticmethod
    def _none_for_positional(node, fault) -> bool:
        given, changed = (getattr(call, "args", ()) for call in (node, fault))
        if not isinstance(node, cst.Call) or len(given) != len(changed):
            return False
        pairs = zip(given, changed, strict=True)
        return any(
            a is not b and a.keyword is None and getattr(b.value, "value", "") == "None"
            for a, b in pairs
        )

    def _keep(self, node: cst.CSTNode, fault: cst.CSTNode) -> None:
        span = self.get_metadata(PositionProvider, node)
        functions = (n for n in self._inside if isinstance(n, cst.FunctionDef))
        function = next(functions, None)
        names = [n.name.value for n in self._inside]
        if function is None:
            first, last = 0, 0
        else:
            whole = self.get_metadata(PositionProvider, function)
            first, last = whole.start.line, whole.end.line
        where = (".".join(names), span.start.line, first, last)
        self.found.append((node, fault, where, function or node))


def mutants(module: str) -> list[dict]:
    """All mutants of a module, in an order that depends on nothing but their text."""
    source = (COPY / module).read_text("utf-8")
    wrapper = MetadataWrapper(cst.parse_module(source), unsafe_skip_copy=True)
    visitor = _Faults()
    wrapper.visit(visitor)
    blank, seen, result = cst.Module([]), {}, []
    texts: dict[int, str] = {}
    for node, fault, (name, line, first, last), scope in visitor.found:
        around = texts.setdefault(id(scope), blank.code_for_node(scope))
        old, new = blank.code_for_node(node), blank.code_for_node(fault)
        if old == new or old.count("strict=True") != new.count("strict=True"):
            continue
        text = "\0".join((module, name, around, old, new))
        seen[text] = seen.get(text, 0) + 1
        key = _hash(f"{text}\0{seen[text]}")
        place = dict(function=name, line=line, first=first, last=last)
        result.append(dict(key=key, module=module, **place, nodes=(node, fault)))
    for mutant in result:
        mutant["tree"] = wrapper.module
    return sorted(result, key=lambda mutant: _hash(f"{mutant['key']}{CONFIG['seed']}"))


def by_hand(module: str) -> list[dict]:
    """The mutants that were written by hand, see the head of their file."""
    source = (COPY / module).read_text("utf-8")
    tree, functions = cst.parse_module(source), ast.FunctionDef | ast.AsyncFunctionDef
    scopes = [n for n in ast.walk(ast.parse(source)) if isinstance(n, functions)]
    scopes.sort(key=lambda scope: scope.lineno)
    result = []
    for reason, old, new in _blocks(module):
        if source.count(old) != 1:
            say(f"{module} has {source.count(old)} times: {old}")
            continue
        start, end = source.index(old), source.index(old) + len(old)
        line = source[:start].count("\n") + 1
        around = [s for s in scopes if s.lineno <= line <= s.end_lineno]
        first, last = (around[0].lineno, around[0].end_lineno) if around else (0, 0)
        scope = "\n".join(source.split("\n")[first - 1 : last]) if first else old
        place = dict(function=".".join(s.name for s in around), line=line)
        place |= dict(first=first, last=last, reason=reason, by_hand=True)
        key = _hash("\0".join(("by hand", module, scope, old, new)))
        rest = source[end:].split("\n", 1)  # what stands below keeps its line
        rest.insert(1, "\n" * (1 + max(0, old.count("\n") - new.count("\n"))))
        code = source[:start] + new + "".join(rest)
        result.append(dict(key=key, module=module, tree=tree, code=code, **place))
    return result


def _blocks(module: str) -> Iterator[tuple[str, str, str]]:
    """Of every block of a module: why it stays, the lines without `-`, those without
    `+`."""
    here = False
    for block in BY_HAND.read_text("utf-8").split("\n\n"):
        lines = block.strip("\n").split("\n")
        if lines[0].endswith(".py"):
            here = lines.pop(0) == module
        texts = [
            "\n".join(line[1:] for line in lines if line[:1] == mark) for mark in "#-+"
        ]
        if here and texts[1]:
            yield texts[0].strip(), texts[1], texts[2]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def written(mutant: dict) -> str | None:
    """The module's text with the fault; None where Python would read the same."""
    if "code" in mutant:
        return mutant["code"]
    code = mutant["tree"].deep_replace(*mutant["nodes"]).code
    try:
        same = ast.dump(ast.parse(code)) == ast.dump(ast.parse(mutant["tree"].code))
    except SyntaxError:
        return None
    return None if same else code


# ---------------------------------------------------------------- the tests


class Bench:
    """A pytest plugin: in place of running its tests, it tries mutants on them.

    Everything is imported and collected once. For a mutant the process forks, puts the
    faulty code into the function, and runs the tests that execute it, the quick ones
    first, until one fails.
    """

    def __init__(self, part: str, modules: list[str], sample: int, digest: str) -> None:
        self.part, self.modules, self.sample, self.digest = (
            part,
            modules,
            sample,
            digest,
        )
        self.failed = False
        self.coverage = None
        self.killed: Counter[str] = Counter()

    def pytest_collection_modifyitems(self, items) -> None:
        words = CONFIG["with_processes"]
        items[:] = [i for i in items if not any(word in i.nodeid for word in words)]

    def pytest_runtestloop(self, session) -> bool:
        self.items = {item.nodeid: item for item in session.items}
        self.tests = self._baseline()
        self._functions = _functions(self.modules)
        gc.collect()
        gc.freeze()
        quick = sorted(self.tests, key=lambda test: self.tests[test]["seconds"])
        by_tool = self.sample >= 0
        if self.new and by_tool and _in_child(lambda: self._run(quick), 3600) != 0:
            say(f"{self.part}: in another order the tests fail without any fault")
            return True
        (OWN / "killer").write_text("")
        for module in self.modules:
            self._try(module)
        return True

    # -- running

    def _run(self, names: list[str]) -> int:
        items = [self.items[name] for name in names]
        for item, after in zip(items, [*items[1:], None], strict=True):
            if self.coverage is None:  # a fault may run for ever
                _allow(5 + 10 * self.tests[item.nodeid]["seconds"])
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
            if self.failed:
                (OWN / "killer").write_text(item.nodeid)
                return 1
        return 0

    def pytest_runtest_logreport(self, report) -> None:
        self.failed |= report.failed
        if self.coverage is not None:
            if not report.passed:
                self.bad.add(report.nodeid)
            if report.when == "teardown":
                self.seconds[report.nodeid] = time.process_time() - self.start

    # -- what each test executes

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.item, self.start = nodeid, time.process_time()
        if self.coverage is not None:
            self.coverage.switch_context(nodeid)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef):
        shared = self.coverage is not None and fixturedef.scope != "function"
        if shared:
            self.coverage.switch_context(f"fixture {fixturedef.argname}")
        result = yield
        if shared:
            self.coverage.switch_context(self.item)
        return result

    def _baseline(self) -> dict[str, dict]:
        kept = BUILD / f"{self.part}.json"
        state = f"{self.digest} {_digest(_expand(['dpcore/**/*.py']))}"
        self.new = not kept.exists() or json.loads(kept.read_text())["state"] != state
        if self.new:
            say(f"{self.part}: {len(self.items)} tests, without a fault")
            if _in_child(lambda: self._record(kept, state), 3600) != 0:
                sys.exit(f"{self.part}: the tests could not be run")
        known = json.loads(kept.read_text())
        say(f"{self.part}: {len(known['tests'])} tests; left out: {known['left_out']}")
        return known["tests"]

    def _record(self, kept: Path, state: str) -> int:
        source = [str(COPY / "dpcore"), str(COPY / "book/tools")]
        self.coverage = coverage.Coverage(None, source=source, config_file=False)
        self.seconds, self.bad = {}, set()
        self.coverage.start()
        for name in self.items:
            self._run([name])
            self.failed = False
        self.coverage.stop()
        data, executed = self.coverage.get_data(), {}
        for file in data.measured_files():
            module = str(Path(file).relative_to(COPY))
            for line, contexts in data.contexts_by_lineno(file).items():
                for context in contexts:
                    executed.setdefault(context, {}).setdefault(module, set()).add(line)
        tests, left_out = {}, {}
        for name, item in self.items.items():
            seconds = self.seconds.get(name, 0.0)
            if name in self.bad or seconds > SLOW:
                left_out[name] = "fails or skips" if name in self.bad else seconds
                continue
            lines: dict[str, set[int]] = {}
            fixtures = (f"fixture {name}" for name in getattr(item, "fixturenames", ()))
            for context in (name, *fixtures):
                for module, found in executed.get(context, {}).items():
                    lines.setdefault(module, set()).update(found)
            executed_lines = {module: sorted(found) for module, found in lines.items()}
            tests[name] = dict(seconds=seconds, lines=executed_lines)
        kept.write_text(json.dumps(dict(state=state, tests=tests, left_out=left_out)))
        return 0

    # -- one mutant after the other

    def _try(self, module: str) -> None:
        known, wanted = _decided(), by_hand(module)
        if self.sample >= 0:
            wanted += mutants(module)[: self.sample or None]
        for i, mutant in enumerate(wanted, 1):
            before = known.get(mutant["key"])
            decided = before and (
                before["fate"] != "survived" or _reason(mutant).startswith("equivalent")
            )
            if decided or (before and before["tests"] == self.digest):
                continue
            code, start = written(mutant), time.monotonic()
            fate = "same" if code is None else self._fate(mutant, code)
            old, new = _changed(mutant["tree"].code, code)
            line = {key: mutant[key] for key in ("key", "module", "function", "line")}
            line |= dict(part=self.part, fate=fate, tests=self.digest, old=old, new=new)
            with RESULTS.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
            seconds = time.monotonic() - start
            place = f"{module}:{line['line']} ({i} of {len(wanted)})"
            say(f"{fate} in {seconds:.1f} s, {place}: {new}")

    def _fate(self, mutant: dict, code: str) -> str:
        """killed, timeout or survived."""
        module, first, last = mutant["module"], mutant["first"], mutant["last"]

        def distance(test: str) -> int:
            lines = self.tests[test]["lines"].get(module, ())
            if mutant["line"] in lines:
                return 0
            return 1 if not first or any(first < line <= last for line in lines) else 2

        seconds = {test: facts["seconds"] for test, facts in self.tests.items()}
        worth = {test: seconds[test] / (1 + self.killed[test]) for test in seconds}
        order = sorted(self.tests, key=lambda test: (distance(test), worth[test]))
        near, total = [], 0.0
        for test in order:
            total += seconds[test]
            if total <= CONFIG["budget_seconds"]:
                near.append(test)
        patches = self._patches(mutant, code)
        if any(distance(test) < 2 for test in near):
            near = [test for test in near if distance(test) < 2]
        else:  # what runs while a module is imported, and in no test
            patches = []
        if not patches:
            near = [test for test in near if test not in self._fail_anew]
        (COPY / module).write_text(code, "utf-8")
        try:
            usual = sum(seconds[test] for test in near)
            if patches:
                work = lambda: self._patched(patches, near)  # noqa: E731
            else:
                work = lambda: _afresh(near)  # noqa: E731
            status = _in_child(work, 900, cpu=60 + 5 * usual) if near else 0
            if status in (None, -signal.SIGXCPU, -signal.SIGKILL):
                return "timeout"
            if status != 0:
                self.killed[(OWN / "killer").read_text()] += 1
                return "killed"
        finally:
            (COPY / module).write_text(mutant["tree"].code, "utf-8")
        return "survived"

    @cached_property
    def _fail_anew(self) -> set[str]:
        """The tests that fail when all is imported again, though there is no fault."""
        failed = OWN / "failed"
        failed.write_text("")
        _in_child(lambda: _afresh(list(self.tests), failed), 3600, cpu=3600)
        found = set(failed.read_text().split("\n")[:-1])
        say(f"{self.part}: not run when all is imported again: {sorted(found)}")
        return found

    def _patches(self, mutant: dict, code: str) -> list:
        """Functions with their new code; none where all has to be imported again."""
        file = str(COPY / mutant["module"])
        old = _outer(compile(mutant["tree"].code, file, "exec"))
        new = _outer(compile(code, file, "exec"))
        changed = [place for place in old if old[place] != new.get(place)]
        patches = []
        for place in changed:
            functions = self._functions.get((file, *place), [])
            if place not in new or not functions:
                return []
            if new[place].co_freevars != old[place].co_freevars:
                return []
            if _inner(new[place]) != _inner(old[place]):
                return []  # a closure may live since the import
            patches += [(function, new[place]) for function in functions]
        return patches

    def _patched(self, patches: list, names: list[str]) -> int:
        for function, code in patches:
            function.__code__ = code
        return self._run(names)


def _outer(code) -> dict[tuple, object]:
    """The code of functions and methods, without what is inside them, by place."""
    found = {}
    for inner in code.co_consts:
        if not hasattr(inner, "co_code"):
            continue
        if inner.co_flags & inspect.CO_OPTIMIZED:
            found[inner.co_qualname, inner.co_firstlineno] = inner
        else:  # the body of a class
            found |= _outer(inner)
    return found


def _inner(code) -> list:
    """The code of the functions inside a function."""
    return [inner for inner in code.co_consts if hasattr(inner, "co_code")]


def _functions(modules: list[str]) -> dict[tuple, list]:
    """The living functions of the modules, by file, name and line."""
    files, found = {str(COPY / module) for module in modules}, {}
    for thing in gc.get_objects():
        if type(thing) is types.FunctionType and thing.__code__.co_filename in files:
            code = thing.__code__
            place = code.co_filename, code.co_qualname, code.co_firstlineno
            found.setdefault(place, []).append(thing)
    return found


class _Chosen:
    """A pytest plugin: the chosen tests alone, in the given order. What fails is
    written into a file, if there is one."""

    def __init__(self, order: list[str], failed: Path | None) -> None:
        self.order = {test: i for i, test in enumerate(order)}
        self.failed = failed

    def pytest_collection_modifyitems(self, items) -> None:
        items[:] = [item for item in items if item.nodeid in self.order]
        items.sort(key=lambda item: self.order[item.nodeid])

    def pytest_runtest_logreport(self, report) -> None:
        if report.failed and self.failed is not None:
            with self.failed.open("a", encoding="utf-8") as file:
                file.write(f"{report.nodeid}\n")


def _afresh(names: list[str], failed: Path | None = None) -> int:
    """Import again all that lies in the copy, for a fault outside functions: what two
    modules share, the helpers of the tests among it, must be the new one in both."""
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(COPY)):
            del sys.modules[name]
    files = list(dict.fromkeys(name.split("::")[0] for name in names))
    stop = [] if failed else ["-x"]
    return _pytest([*stop, *files], _Chosen(names, failed))


def _pytest(files: list[str], plugin) -> int:
    TMP.mkdir(exist_ok=True)
    without = "faulthandler cacheprovider nbval xdist".split()
    without += ["unraisableexception", "threadexception"]
    switches = ["-s", "-q", "--noconftest", "--assert=plain", "--durations=0"]
    switches += [f"--basetemp={TMP / 'tmp'}", *(f"-pno:{name}" for name in without)]
    return pytest.main([*switches, *files], [plugin])


def _allow(seconds: float) -> None:
    """Processor seconds from now on; then the process is killed."""
    limit = int(time.process_time() + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))


def _in_child(work, seconds: float, cpu: float | None = None) -> int | None:
    """The status of a forked child that calls `work`; None: it took too long."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        status = 70
        try:
            os.setsid()
            resource.setrlimit(resource.RLIMIT_AS, (16 << 30, 16 << 30))
            if cpu is not None:
                _allow(cpu)
                log = os.environ.get("MUTANTS_LOG", os.devnull)
                nowhere = os.open(log, os.O_RDWR | os.O_CREAT | os.O_APPEND)
                for stream in (0, 1, 2):
                    os.dup2(nowhere, stream)
            shutil.rmtree(OWN / "cache", ignore_errors=True)
            shutil.copytree(BUILD / "healthy_cache", OWN / "cache")
            os.chdir(COPY)
            status = int(work())
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(status)
    end, pause = time.monotonic() + seconds, 0.005
    while not (done := os.waitpid(child, os.WNOHANG))[0] and time.monotonic() < end:
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    if not done[0]:
        os.waitpid(child, 0)
        return None
    return os.waitstatus_to_exitcode(done[1])


# ---------------------------------------------------------------- the run


def say(text: str) -> None:
    print(text, flush=True)


def _digest(files: list[str]) -> str:
    whole = hashlib.sha256()
    for file in files:
        whole.update((COPY / file).read_bytes())
    return whole.hexdigest()[:12]


def _copy() -> None:
    shutil.rmtree(COPY, ignore_errors=True)
    tracked = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", *CONFIG["copied"]],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\n")
    for file in filter(None, tracked):
        if (ROOT / file).is_file():
            (COPY / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / file, COPY / file)
    hashed = "-q", "--invalidation-mode", "checked-hash"
    for folder in ("dpcore", "tests"):
        command = [sys.executable, "-m", "compileall", *hashed, COPY / folder]
        subprocess.run(command, check=True)


def _decided() -> dict[str, dict]:
    if not RESULTS.exists():
        return {}
    lines = map(json.loads, RESULTS.read_text("utf-8").splitlines())
    return {line["key"]: line for line in lines}


def run(parts: list[str], sample: int | None, only: list[str]) -> None:
    os.environ |= {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    os.environ["PYTHONPATH"] = str(COPY)
    os.environ["DPCORE_DATA"] = str(OWN / "cache")
    (BUILD / "healthy_cache").mkdir(parents=True, exist_ok=True)
    _copy()
    sys.path.insert(0, str(COPY))
    sys.dont_write_bytecode = True
    for name in CONFIG["preload"]:  # what the tests import, but not dpcore
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    phases = [hypothesis.Phase.explicit, hypothesis.Phase.generate]
    hypothesis.settings.register_profile(
        "mutants", derandomize=True, database=None, deadline=None, phases=phases
    )
    hypothesis.settings.load_profile("mutants")
    for part in parts:
        config = CONFIG["parts"][part]
        modules = _expand(config["modules"])
        files = _expand([*config["tests"], *config["modules"]])
        chosen = [m for m in modules if not only or any(name in m for name in only)]
        limit = config.get("sample", CONFIG["sample"]) if sample is None else sample
        bench = Bench(part, chosen, limit, _digest(files))
        if _in_child(lambda: _pytest(files, bench), 10**6) not in (0, 5):  # noqa: B023
            say(f"{part}: not run to its end")


def _expand(globs: list[str]) -> list[str]:
    paths = {path for glob in globs for path in COPY.glob(glob)}
    return sorted(str(path.relative_to(COPY)) for path in paths)


def _changed(healthy: str, code: str | None) -> tuple[str, str]:
    """The lines that differ, on one line each."""
    if code is None:
        return "", ""
    a, b = healthy.split("\n"), code.split("\n")
    start = next(i for i, (x, y) in enumerate(zip(a, b)) if x != y)  # noqa: B905
    end = 0
    while end < min(len(a), len(b)) - start and a[-1 - end] == b[-1 - end]:
        end += 1
    cut = lambda lines: " ".join(" ".join(lines[start : len(lines) - end]).split())  # noqa: E731
    return cut(a), cut(b)


def current(parts: list[str]) -> list[dict]:
    """The decided mutants of the modules as they are now."""
    _copy()
    known, found = _decided(), []
    for part in parts:
        for module in _expand(CONFIG["parts"][part]["modules"]):
            for everything in (mutants(module), by_hand(module)):
                names = ("line", "reason", "by_hand")
                here = dict(part=part, of=len(everything))
                found += [
                    known[m["key"]] | here | {k: m[k] for k in names if k in m}
                    for m in everything
                    if m["key"] in known
                ]
    return found


def _reason(mutant: dict) -> str:
    return mutant.get("reason") or CONFIG["reasons"].get(mutant["key"], "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--part", action="append", choices=list(CONFIG["parts"]))
    parser.add_argument(
        "--sample", type=int, help="mutants a module; 0: all; -1: by hand"
    )
    parser.add_argument("--module", action="append", default=[], help="a part's path")
    parser.add_argument("--show", action="store_true", help="report; run nothing")
    options = parser.parse_args()
    parts = options.part or list(CONFIG["parts"])
    try:
        if not options.show:
            run(parts, options.sample, options.module)
        report(parts)
    finally:
        shutil.rmtree(OWN, ignore_errors=True)
        shutil.rmtree(TMP, ignore_errors=True)


def report(parts: list[str]) -> None:
    """Print the survivors without a reason, and write the page's tables anew."""
    found = current(parts)
    for m in found:
        if m["fate"] == "survived" and not _reason(m):
            print(f"{m['key']} {m['module']}:{m['line']} {m['function']}")
            print(f"  - {m['old']}\n  + {m['new']}")
    if parts == list(CONFIG["parts"]):
        before, _, rest = PAGE.read_text("utf-8").partition(MARKS[0])
        after = rest.partition(MARKS[1])[2]
        lines = [before + MARKS[0], ""]
        for by_hand, title in ((True, "### By hand"), (False, "### By the tool")):
            some = [m for m in found if m.get("by_hand", False) == by_hand]
            lines += [title, "", *_table(some), "", *_survivors(some), ""]
        PAGE.write_text("\n".join(lines) + MARKS[1] + after, "utf-8")


MARKS = "<!-- tables: written by mutants.py -->", "<!-- end of the tables -->"


def _kind(mutant: dict) -> str:
    """killed, equivalent, or survived."""
    if mutant["fate"] != "survived":
        return "killed"
    return "equivalent" if _reason(mutant).startswith("equivalent") else "survived"


def _table(found: list[dict]) -> Iterator[str]:
    yield "| module | mutants | tried | killed | survived | equivalent | share |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    tried = [mutant for mutant in found if mutant["fate"] != "same"]
    modules = dict.fromkeys(mutant["module"] for mutant in tried)
    groups = [(name, [m for m in tried if m["module"] == name]) for name in modules]
    for name, mutants_of in [*groups, ("**all**", tried)]:
        counts = Counter(map(_kind, mutants_of))
        rest = counts["killed"] + counts["survived"]
        there = sum({m["module"]: m["of"] for m in mutants_of}.values())
        share = f"{100 * counts['killed'] / rest:.0f} %" if rest else "–"
        numbers = counts["killed"], counts["survived"], counts["equivalent"], share
        cells = (name.removeprefix("dpcore/"), there, len(mutants_of), *numbers)
        yield f"| {' | '.join(map(str, cells))} |"


def _survivors(found: list[dict]) -> Iterator[str]:
    for mutant in found:
        if mutant["fate"] == "survived":
            place = f"{mutant['module'].removeprefix('dpcore/')}, {mutant['function']}"
            why = _reason(mutant) or "not closed yet"
            yield f"- {place}: `{mutant['old']}` → `{mutant['new']}`: {why}"


if __name__ == "__main__":
    main()
