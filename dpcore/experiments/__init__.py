"""What is measured: the paper's tables, kernels, the benchmark, and their commands.
Uses everything else; nothing points back."""
