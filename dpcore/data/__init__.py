"""Where graphs come from: the data sets, checked as they arrive, and made-up families
whose answer is known."""
