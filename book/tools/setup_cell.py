# Makes `dpcore` importable: where it is missing (on Colab, say), this cell
# installs it from the book's repository and leaves the installed torch alone.
REPOSITORY = ""  # the publisher's address, set by `make publish-url URL=...`
try:
    import dpcore
except ModuleNotFoundError:
    if not REPOSITORY:
        print("dpcore is missing: clone the repository and run `make book`")
        raise
    %pip install -q "git+{REPOSITORY}"
    import dpcore
print(dpcore.versions())
