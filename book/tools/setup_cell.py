# Makes `dpcore` importable: where it is missing (on Colab, say), this cell
# installs it from a clone of the book and leaves the installed torch alone.
REPOSITORY = ""  # the publisher's address, set by `make publish-url URL=...`
try:
    import dpcore
except ModuleNotFoundError:
    if not REPOSITORY:
        print("dpcore is missing: clone the repository and run `make book`")
        raise
    get_ipython().system(f"git clone -q --depth 1 {REPOSITORY} diffpool-book")
    %pip install -q "./diffpool-book[book]"
    import dpcore
print(dpcore.versions())
