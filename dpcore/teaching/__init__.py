"""What the book teaches with: exercises that answer, and figures. Nothing of the core
uses it."""
