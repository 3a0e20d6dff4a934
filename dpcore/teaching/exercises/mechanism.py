"""Find an exercise's checker, run it on a reader's function, put it in one line."""

from __future__ import annotations

import functools
import importlib
import math
import pkgutil
import re
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

Checker = Callable[[Callable[..., Any]], str | None]
_CHECKERS: dict[str, Checker] = {}


class Mistake(Exception):
    """Says what is wrong with a reader's answer, and where to look."""


@dataclass(frozen=True)
class Verdict:
    """Whether an answer passed, and the line that the reader sees."""

    passed: bool
    message: str


def exercise(number: str) -> Callable[[Checker], Checker]:
    """Register the function below as the checker of exercise ``number`` ("3.2")."""

    def register(checker: Checker) -> Checker:
        other = _CHECKERS.get(number)
        if other is not None and other.__module__ != checker.__module__:
            raise ValueError(f"exercise {number} has a checker in {other.__module__}")
        _CHECKERS[number] = checker
        return checker

    return register


def known() -> list[str]:
    """The numbers of all exercises, in the order of the book.

    >>> "1.1" in known()
    True
    """
    import dpcore.teaching.exercises as package

    for module in pkgutil.iter_modules(package.__path__):
        if re.fullmatch(r"chapter_\d\d", module.name):
            importlib.import_module(f"{package.__name__}.{module.name}")
    return sorted(_CHECKERS, key=lambda number: [int(n) for n in number.split(".")])


def evaluate(number: str, function: Callable[..., Any]) -> Verdict:
    """Run the checker of an exercise on a reader's function.

    The state of torch's random numbers is the same after as before.

    Args:
        number: "3.2", or "03.2".
        function: the reader's function itself, not what it returns.

    Returns:
        Whether it passed, and one line for the reader.

    Raises:
        ValueError: if there is no such exercise; the message lists those there are.

    >>> evaluate("1.1", lambda image, how: None).passed
    False
    """
    number, checker = _find(number)
    if not callable(function):
        told = f"expected your function itself, got {_kind(function)}: write its name"
        return Verdict(False, f"{number} not yet: {told} without (…)")
    with torch.random.fork_rng(devices=[]):
        try:
            praise = checker(_guard(function)) or "right."
        except Mistake as mistake:
            return Verdict(False, f"{number} not yet: {_one_line(str(mistake))}")
        except Exception as error:  # a result of a kind that the checker did not expect
            told = f"the check cannot read your result ({_name(error)}): {error}"
            return Verdict(False, f"{number} not yet: {_one_line(told)}")
    return Verdict(True, f"✓ {number} {_one_line(praise)}")


def expect_tensor(
    value: Any, shape: Sequence[int] | None = None, name: str = "the result"
) -> torch.Tensor:
    """``value`` as it came, or a Mistake: not a tensor, wrong shape, NaN.

    >>> expect_tensor(torch.ones(2, 3), [3, 2])
    Traceback (most recent call last):
    dpcore.teaching.exercises.mechanism.Mistake: the result has shape [2, 3], \
expected [3, 2]: is it transposed?
    """
    if not isinstance(value, torch.Tensor):
        raise Mistake(f"{name} is {_kind(value)}, expected a torch tensor")
    if shape is not None and list(value.shape) != list(shape):
        got, want = list(value.shape), list(shape)
        turned = ": is it transposed?" if got == want[::-1] else ""
        raise Mistake(f"{name} has shape {got}, expected {want}{turned}")
    if not torch.isfinite(value).all():
        raise Mistake(f"{name} has NaN or infinite entries: where do you divide?")
    return value


Mistakes = Iterable[tuple[Any, str]]  # what a typical mistake gives, what to say of it


def expect_close(
    got: Any,
    want: torch.Tensor,
    hint: str,
    *,
    name: str = "the result",
    mistakes: Mistakes = (),
    atol: float = 1e-4,
) -> torch.Tensor:
    """``got`` if it is ``want`` up to ``atol``, else a Mistake with the worst entry.

    Args:
        mistakes: tensors that typical mistakes give, each with what to say then in the
            place of ``hint``.

    >>> expect_close(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 3.0]), "add 1")
    Traceback (most recent call last):
    dpcore.teaching.exercises.mechanism.Mistake: the result at [1] is 2, \
expected 3: add 1
    """
    got = expect_tensor(got, want.shape, name)
    gap = (got.detach().double() - want.detach().double()).abs()
    if gap.numel() and gap.max() > atol:
        entry = [int(i) for i in torch.unravel_index(gap.argmax(), gap.shape)]
        place = f" at {entry}" if entry else ""
        values = f"is {got[tuple(entry)]:.4g}, expected {want[tuple(entry)]:.4g}"
        told = _explanation(got, mistakes, atol) or hint
        raise Mistake(f"{name}{place} {values}: {told}")
    return got


def expect_number(
    got: Any,
    want: float,
    hint: str,
    *,
    name: str = "the result",
    mistakes: Mistakes = (),
    atol: float = 1e-4,
) -> float:
    """``got`` (a number, or a tensor of one) if it is ``want``, else a Mistake.

    Args:
        mistakes: numbers that typical mistakes give, each with what to say then in the
            place of ``hint``.

    >>> expect_number(2, 2.0, "count again")
    2.0
    >>> expect_number(4, 2.0, "count again", mistakes=[(4, "you count both ways")])
    Traceback (most recent call last):
    dpcore.teaching.exercises.mechanism.Mistake: the result is 4, expected 2: \
you count both ways
    """
    if isinstance(got, torch.Tensor) and got.numel() == 1:
        got = got.item()
    if isinstance(got, torch.Tensor):
        raise Mistake(f"{name} has shape {list(got.shape)}, expected one number")
    if isinstance(got, bool):
        raise Mistake(
            f"{name} is {got}, a yes or no, expected a number: add up, `.sum()`, "
            "where you ask `any`, `all` or `==`"
        )
    try:
        value = float(got)
    except (TypeError, ValueError) as error:
        raise Mistake(f"{name} is {_kind(got)}, expected a number") from error
    if not abs(value - want) <= atol:
        told = _explanation(torch.tensor(value).double(), mistakes, atol) or hint
        raise Mistake(f"{name} is {value:.4g}, expected {want:.4g}: {told}")
    return value


def _explanation(got: torch.Tensor, mistakes: Mistakes, atol: float) -> str | None:
    """What to say of the mistake whose value is nearest, if any is within ``atol``;
    of equal ones the first."""
    near: list[tuple[float, str]] = []
    for value, told in mistakes:
        value = torch.as_tensor(value, dtype=torch.float64)
        if value.shape == got.shape:
            gap = float((got.detach().double() - value).abs().max())
            near += [(gap, told)] if gap <= atol else []
    return min(near, key=lambda pair: round(pair[0], 5))[1] if near else None


def expect_pair(value: Any, names: str) -> tuple[Any, Any]:
    """The two parts of ``value``, or a Mistake that says what to return.

    >>> expect_pair(1, "x, adj")
    Traceback (most recent call last):
    dpcore.teaching.exercises.mechanism.Mistake: return two things: `return x, adj`
    """
    if not isinstance(value, tuple | list | torch.Tensor) or len(value) != 2:
        raise Mistake(f"return two things: `return {names}`")
    return value[0], value[1]


@contextmanager
def case(text: str) -> Iterator[None]:
    """Begin every Mistake inside with the case that it is about.

    >>> with case("for one node"):
    ...     raise Mistake("0 / 0")
    Traceback (most recent call last):
    dpcore.teaching.exercises.mechanism.Mistake: for one node: 0 / 0
    """
    try:
        yield
    except Mistake as mistake:
        raise Mistake(f"{text}: {mistake}") from mistake.__cause__


def entropy(shares: Iterable[float]) -> float:
    """−Σ p log p in nats, where 0 · log 0 is 0.

    >>> round(entropy([0.5, 0.5, 0.0]), 4)
    0.6931
    """
    return -sum(p * math.log(p) for p in shares if p > 0)


def _find(number: str) -> tuple[str, Checker]:
    numbers = known()
    plain = number.strip().lstrip("0") if isinstance(number, str) else number
    if plain not in numbers:
        raise ValueError(f"no exercise {number!r}; there are: {', '.join(numbers)}")
    return plain, _CHECKERS[plain]


def _guard(function: Callable[..., Any]) -> Callable[..., Any]:
    """The reader's function; what goes wrong inside it becomes a Mistake."""

    @functools.wraps(function)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        before = [_copy(value) for value in (*args, *kwargs.values())]
        try:
            result = function(*args, **kwargs)
        except Exception as error:
            where = _line_of(function, error)
            told = f"your code raised {_name(error)}{where}: {_one_line(str(error))}"
            raise Mistake(f"{told} → {_hint(error)}") from error
        if result is None or result is Ellipsis:
            told = "None" if result is None else "..."
            raise Mistake(
                f"returned {told}: replace the `...` by your code and return the result"
            )
        for old, new in zip(before, (*args, *kwargs.values()), strict=True):
            if old is not None and not _same(old, new):
                raise Mistake(
                    "your function changes its argument in place: work on a copy, "
                    "x.clone(), or use operations that make a new tensor"
                )
        return result

    return guarded


def _copy(value: Any) -> torch.Tensor | None:
    dense = isinstance(value, torch.Tensor) and value.layout is torch.strided
    return value.detach().clone() if dense else None


def _same(old: torch.Tensor, new: torch.Tensor) -> bool:
    new = new.detach()
    both_nan = (old != old) & (new != new) if old.shape == new.shape else False
    return old.shape == new.shape and bool(((old == new) | both_nan).all())


def _line_of(function: Callable[..., Any], error: Exception) -> str:
    """``at `the line` ``, the last one of the reader's own code, if it can be read."""
    code = getattr(function, "__code__", None)
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f.line for f in frames if code and f.filename == code.co_filename]
    return f" at `{lines[-1].strip()}`" if lines and lines[-1] else ""


def _hint(error: Exception) -> str:
    text = str(error)
    if isinstance(error, NameError):
        return "define it inside the function, or take it from the arguments"
    if isinstance(error, TypeError) and "argument" in text:
        return "keep the arguments as the stub has them, and check each call's own"
    if isinstance(error, NotImplementedError):
        return "write your code in its place"
    if "bool tensor" in text or "Bool" in text:
        return "make numbers of True and False first, .int() or .float()"
    if "dtype" in text or "scalar type" in text:
        return "give new tensors the kind of numbers that came: x.new_zeros(…)"
    shapes = ("shape", "size", "dimension", "mat1", "broadcast", "out of range")
    if any(word in text.lower() for word in shapes):
        return "print the shapes just before that line"
    return "try it on three nodes of your own, and print what stands before that line"


def _kind(value: Any) -> str:
    name = type(value).__name__
    return f"an {name}" if name[0].lower() in "aeiou" else f"a {name}"


def _name(error: Exception) -> str:
    return type(error).__name__


def _one_line(text: str, limit: int = 300) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


class Largest(TorchFunctionMode):
    """Watches torch for the largest dense tensor that is made."""

    entries = 0

    def __torch_function__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        if isinstance(out, torch.Tensor) and out.layout is torch.strided:
            self.entries = max(self.entries, out.numel())
        return out
