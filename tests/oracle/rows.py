"""What a row must look like, and how rows are compared with those another program computed."""
import datetime
import math

SECOND = 10**9
FIELDS = ["window", "start", "end", "key", "values", "revision"]
EPOCH = datetime.datetime(1970, 1, 1)


def stamp(nanoseconds):
    """RFC 3339 in Z with 3, 6 or 9 digits, the fewest that are exact."""
    whole, fraction = divmod(nanoseconds, SECOND)
    digits = f"{fraction:09d}"
    while len(digits) > 3 and digits.endswith("000"):
        digits = digits[:-3]
    return f"{EPOCH + datetime.timedelta(seconds=whole):%Y-%m-%dT%H:%M:%S}.{digits}Z"


ROUNDED = 1e-12  # the relative error of a sum or mean of doubles
DEVIATION = 1e-9  # that of a standard deviation
SKETCH = 0.01  # that of a percentile of more than 64 numbers
ESTIMATE = 0.04  # that of more than 1,000 distinct values: five standard errors


def assert_same_rows(got, want, inexact):
    """Row by row, in order. `inexact` has the relative error that a value may have, by name; all others are equal."""
    for number, (mine, theirs) in enumerate(zip(got, want)):
        assert list(mine) == FIELDS, f"row {number}: fields {list(mine)}"
        for field in ("window", "start", "end", "revision"):
            assert mine[field] == theirs[field], f"row {number}, {field}: {mine} but the oracle says {theirs}"
        for field in ("key", "values"):
            assert list(mine[field]) == list(theirs[field]), f"row {number}, names or order of {field}: {mine} but {theirs}"
        assert mine["key"] == theirs["key"], f"row {number}: {mine} but the oracle says {theirs}"
        for name, value in theirs["values"].items():
            assert same_value(mine["values"][name], value, inexact.get(name, 0.0)), \
                f"row {number}, {name}: {mine['values'][name]!r} but the oracle says {value!r}; {mine}"
    assert len(got) == len(want), f"{len(got)} rows, the oracle has {len(want)}"


def same_value(mine, theirs, relative):
    if mine is None or theirs is None:
        return mine is theirs
    if relative:
        return math.isclose(mine, theirs, rel_tol=relative, abs_tol=0.0)
    return mine == theirs and (isinstance(theirs, float) or isinstance(mine, int))
