"""``python -m webapp.cli``: the command for processes that start each other."""

from webapp.cli import main

main()
