"""Typical mistakes of chapter 06, with words of the message that names each."""

MISTAKES = {
    "6.1": [
        (
            """
def padding_share(sizes, max_nodes):
    return 1 - sizes.sum() / (len(sizes) * max_nodes)
""",
            "you count rows",
        ),
        (
            """
def padding_share(sizes, max_nodes):
    return (sizes.double() ** 2).sum() / (len(sizes) * max_nodes**2)
""",
            "padding is the rest",
        ),
        (
            """
def padding_share(sizes, max_nodes):
    return 1 - sizes.sum() ** 2 / (len(sizes) * max_nodes**2)
""",
            "square every size",
        ),
    ],
    "6.2": [
        (
            """
def recalls(labels, answers, num_classes):
    return (labels == answers).float().mean()
""",
            "6.2 not yet: one number is the accuracy",
        ),
        (
            """
def recalls(labels, answers, num_classes):
    hits = [answers[labels == c] == c for c in range(num_classes)]
    return [hit.sum().item() / max(1, len(hit)) for hit in hits]
""",
            "is a list, expected a torch tensor",
        ),
        (
            """
def recalls(labels, answers, num_classes):
    right = labels[labels == answers].bincount(minlength=num_classes)
    return right / labels.bincount(minlength=num_classes)
""",
            "0 / 0",
        ),
        (
            """
def recalls(labels, answers, num_classes):
    right = labels[labels == answers].bincount(minlength=num_classes)
    return right / answers.bincount(minlength=num_classes).clamp(min=1)
""",
            "that is the precision",
        ),
        (
            """
def recalls(labels, answers, num_classes):
    right = labels[labels == answers].bincount()
    return right / labels.bincount().clamp(min=1)
""",
            "where the last class has no graphs",
        ),
        (
            """
def recalls(labels, answers, num_classes):
    right = labels[labels == answers].bincount()
    return right / labels.bincount(minlength=num_classes).clamp(min=1)
""",
            "your code raised RuntimeError",
        ),
        (
            """
def recalls(labels, answers, num_classes):
    right = labels[labels == answers].bincount(minlength=num_classes)
    return right / len(labels)
""",
            "each class has its own size",
        ),
    ],
    "6.3": [
        (
            """
def loss_floor(num_classes):
    return 0.0
""",
            "zero needs logits",
        ),
        (
            """
def loss_floor(num_classes):
    return torch.tensor(-1.0).exp().log1p().item()
""",
            "the floor for 2 classes",
        ),
    ],
    "6.4": [
        (
            """
def fair_accuracy(validation, test):
    return max(test)
""",
            "that is peeking",
        ),
        (
            """
def fair_accuracy(validation, test):
    return test[-1]
""",
            "that is the last epoch",
        ),
        (
            """
def fair_accuracy(validation, test):
    return max(zip(validation, test))[1]
""",
            "take the earlier one",
        ),
    ],
}
