"""What readers get wrong in chapter 13, and words that must name it."""

MISTAKES = {
    "13.1": [
        (
            """
def masked_mean(H, mask):
    return (H * mask).mean(1)
""",
            "you count the empty rows",
        ),
        (
            """
def masked_mean(H, mask):
    return H.sum(1) / mask.sum(1)
""",
            "you add up the empty rows too",
        ),
        (
            """
def masked_mean(H, mask):
    return H.mean(1)
""",
            "over the whole box",
        ),
        (
            """
def masked_mean(H, mask):
    return (H * mask).sum(1)
""",
            "that is the sum",
        ),
        (
            """
def masked_mean(H, mask):
    return (H * mask).sum(1) / mask.sum()
""",
            "each graph has its own",
        ),
        (
            """
def masked_mean(H, mask):
    return (H * mask).sum(1, keepdim=True) / mask.sum(1, keepdim=True)
""",
            "[2, 1, 2]",
        ),
    ],
    "13.2": [
        (
            """
def masked_max(H, mask):
    return (H * mask).amax(1)
""",
            "an empty row of zeros beats negative nodes",
        ),
        (
            """
def masked_max(H, mask):
    return H.amax(1)
""",
            "empty rows take part",
        ),
        (
            """
def masked_max(H, mask):
    return H.masked_fill(mask == 0, float("inf")).amin(1)
""",
            "the smallest value",
        ),
    ],
    "13.3": [
        (
            """
def air(sizes, batch_size):
    parts = [sizes[i : i + batch_size] for i in range(0, len(sizes), batch_size)]
    boxes = sum(len(part) * max(part) ** 2 for part in parts)
    return sum(n * n for n in sizes) / boxes
""",
            "the share of the graphs",
        ),
        (
            """
def air(sizes, batch_size):
    parts = [sizes[i : i + batch_size] for i in range(0, len(sizes), batch_size)]
    return 1 - sum(sizes) / sum(len(part) * max(part) for part in parts)
""",
            "you count rows of X",
        ),
        (
            """
def air(sizes, batch_size):
    parts = [sizes[i : i + batch_size] for i in range(0, len(sizes), batch_size)]
    shares = [1 - sum(n * n for n in p) / (len(p) * max(p) ** 2) for p in parts]
    return sum(shares) / len(shares)
""",
            "you average the batches' shares",
        ),
        (
            """
def air(sizes, batch_size):
    parts = [sizes[i : i + batch_size] for i in range(0, len(sizes), batch_size)]
    boxes = sum(batch_size * max(part) ** 2 for part in parts)
    return 1 - sum(n * n for n in sizes) / boxes
""",
            "the last batch is smaller",
        ),
        (
            """
def air(sizes, batch_size):
    return 1 - sum(n * n for n in sizes) / (len(sizes) * max(sizes) ** 2)
""",
            "you pad to the largest of all graphs",
        ),
    ],
}
