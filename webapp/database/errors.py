"""The one error of this package: something about the database that an operator must know or mend."""


class DatabaseProblem(Exception):
    """Its message is one clear line that says what is wrong and what to do."""
