"""Typical mistakes of chapter 08, with words of the message that names each."""

MISTAKES = {
    "8.1": [
        (
            """
def gain(ours, theirs):
    ours = [a for a in ours if a is not None]
    theirs = [b for b in theirs if b is not None]
    return sum(ours) / len(ours) - sum(theirs) / len(theirs)
""",
            "means over different data sets",
        ),
        (
            """
def gain(ours, theirs):
    return sum((a or 0) - (b or 0) for a, b in zip(ours, theirs)) / len(ours)
""",
            "count a missing figure as 0",
        ),
        (
            """
def gain(ours, theirs):
    pairs = [(a, b) for a, b in zip(ours, theirs) if None not in (a, b)]
    return sum(a - b for a, b in pairs) / len(ours)
""",
            "divide by the number of pairs",
        ),
        (
            """
def gain(ours, theirs):
    pairs = [(a or 0, b) for a, b in zip(ours, theirs) if b is not None]
    return sum(a - b for a, b in pairs) / len(pairs)
""",
            "look at both",
        ),
        (
            """
def gain(ours, theirs):
    pairs = [(a, b) for a, b in zip(ours, theirs) if None not in (a, b)]
    return sum(100 * (a - b) / b for a, b in pairs) / len(pairs)
""",
            "percent of the baseline",
        ),
        (
            """
def gain(ours, theirs):
    pairs = [(a, b) for a, b in zip(ours, theirs) if None not in (a, b)]
    return sum(b - a for a, b in pairs) / len(pairs)
""",
            "the sign is the wrong way round",
        ),
        (
            """
def gain(ours, theirs):
    return sum(a - b for a, b in zip(ours, theirs)) / len(ours)
""",
            "your code raised TypeError",
        ),
        (
            """
def gain(ours, theirs):
    gains = [a - b for a, b in zip(ours, theirs) if a and b]
    return sum(gains) / len(gains)
""",
            "0.0 is a figure, no hole",
        ),
    ],
    "8.2": [
        (
            """
def both_protocols(validation, test):
    return test.max(1).values.mean(), test.mean(0).max()
""",
            "each fold's best *test* epoch",
        ),
        (
            """
def both_protocols(validation, test):
    return validation.max(1).values.mean(), test.mean(0).max()
""",
            "is a validation accuracy",
        ),
        (
            """
def both_protocols(validation, test):
    return test[:, validation.mean(0).argmax()].mean(), test.mean(0).max()
""",
            "one epoch for all folds",
        ),
        (
            """
def both_protocols(validation, test):
    return test[:, -1].mean(), test.mean(0).max()
""",
            "reads the last epoch",
        ),
        (
            """
def both_protocols(validation, test):
    chosen = validation.size(1) - 1 - validation.flip(1).argmax(1, keepdim=True)
    return test.gather(1, chosen).mean(), test.mean(0).max()
""",
            "two epochs tie on validation",
        ),
        (
            """
def both_protocols(validation, test):
    fair = test.gather(1, validation.argmax(1, keepdim=True)).mean()
    return fair, test.max(1).values.mean()
""",
            "first the mean curve, mean(0)",
        ),
        (
            """
def both_protocols(validation, test):
    fair = test.gather(1, validation.argmax(1, keepdim=True)).mean()
    return fair, validation.mean(0).max()
""",
            "comes from the `test` curves",
        ),
        (
            """
def both_protocols(validation, test):
    fair = test.gather(1, validation.argmax(1, keepdim=True)).mean()
    return fair, test.max()
""",
            "the best epoch of the best fold",
        ),
        (
            """
def both_protocols(validation, test):
    fair = test.gather(1, validation.argmax(1, keepdim=True)).mean()
    return test.mean(0).max(), fair
""",
            "in the wrong order",
        ),
        (
            """
def both_protocols(validation, test):
    return float(test.mean(0).max())
""",
            "return two things",
        ),
    ],
    "8.3": [
        (
            """
def without_peeking(test):
    return test.mean(0).max()
""",
            "the fold itself still helps",
        ),
        (
            """
def without_peeking(test):
    return test.max(1).values.mean()
""",
            "chooses its own best epoch",
        ),
        (
            """
def without_peeking(test):
    others = (test.sum(0) - test) / (len(test) - 1)
    return others.max(1).values.mean()
""",
            "the height of the others' curve",
        ),
        (
            """
def without_peeking(test):
    return test.gather(1, test.roll(-1, 0).argmax(1, keepdim=True)).mean()
""",
            "one neighbour chooses",
        ),
        (
            """
def without_peeking(test):
    return test[:, -1].mean()
""",
            "argmax of the mean of all rows but i",
        ),
    ],
    "8.4": [
        (
            """
def lucky_lead(p, n, methods):
    scores = torch.distributions.Binomial(n, torch.tensor(p)).sample((9999, methods))
    return 100 * (scores / n).amax(1).mean()
""",
            "subtract 100·p",
        ),
        (
            """
def lucky_lead(p, n, methods):
    scores = torch.distributions.Binomial(n, torch.tensor(p)).sample((9999, methods))
    return (scores / n).amax(1).mean() - p
""",
            "that is a share",
        ),
        (
            """
def lucky_lead(p, n, methods):
    scores = torch.distributions.Binomial(n, torch.tensor(p)).sample((9999, methods))
    return 100 * (scores.amax(1) - scores.amin(1)).mean() / n
""",
            "the best minus the worst",
        ),
        (
            """
def lucky_lead(p, n, methods):
    return 100 * (p * (1 - p) / n) ** 0.5
""",
            "the standard error of one method",
        ),
        (
            """
def lucky_lead(p, n, methods):
    torch.manual_seed(0)
    scores = torch.distributions.Binomial(n, torch.tensor(p)).sample((9999, methods))
    return 100 * (scores / n - p).mean()
""",
            "take their maximum",
        ),
        (
            """
def lucky_lead(p, n, methods):
    return 100 * methods * (p * (1 - p) / n) ** 0.5
""",
            "over many repeats",
        ),
    ],
}
