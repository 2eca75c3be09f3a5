"""The first page: what is wrong, what it costs, who is hit."""
