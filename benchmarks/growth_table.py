"""The tables of `docs/scale.md`, from the figures in `docs/scale.csv`, as Markdown.

`python -m benchmarks.growth_table` prints them: what was measured, and the arithmetic from it.
"""

from typing import Any

from benchmarks.growth import AXES, exponent, read

_MEASURABLE = 0.002  # seconds of processor, below which what is fixed hides what grows
_PER_CALL = ("lists, one by one", "update, one event")
_SIDES = {"customers": "a customer", "products": "a product", "events": "an event"}
_DAILY = {
    "check and order the log": ("Dataset",),
    "profiles, three builders": ("RecencyFrequencyValue", "Holdings", "Preferences"),
    "bind and encode twelve rules": ("encode, 12 rules",),
    "vectors by folding in": ("fold in",),
    "save": ("save",),
    "load, checked": ("load, full",),
    "lists of ten, rules included": ("lists",),
    "record of every list": ("lists, audited", "-lists"),
    "watch": ("watch",),
}
_MANY, _SHARD, _WORKERS, _CORES = 10**9, 10**6, (10, 100, 1000), 2
_HEAD = ("room", "largest", "exponent", "last step", "seconds there", "µs {}", "bytes {}")


def main() -> None:
    for axis in AXES:
        print(f"\n{axis}\n\n{table(axis)}")
    print(f"\n{_MANY:,} customers\n\n{cluster()}")


def cluster() -> str:
    """Return hours for a billion customers, each of whom takes what one of a million took."""
    found = [one for one in read() if one["axis"] == "customers" and not one["refused"]]
    million = {one["room"]: one for one in found if one["customers"] == _SHARD}
    workers = [f"{count:,} workers" for count in _WORKERS]
    lines = [_line(["what", "µs a customer", "core hours", *workers]), "|---|--:|--:|--:|--:|--:|"]
    total = 0.0
    for what, rooms in [*_DAILY.items(), ("all of it", ())]:
        each = sum(_each(million, room) for room in rooms) if rooms else total
        total += each if rooms else 0
        hours = each * _MANY / 3600
        split = [_time(hours / (count * _CORES)) for count in _WORKERS]
        lines.append(_line([what, f"{1e6 * each:.3g}", f"{hours:,.1f}", *split]))
    return "\n".join(lines)


def _each(measured: dict[str, dict[str, Any]], room: str) -> float:
    one = measured[room.removeprefix("-")]
    each = _cost("customers", one) / float(one["customers"])
    return -each if room.startswith("-") else each


def _time(hours: float) -> str:
    if hours >= 1:
        return f"{hours:.1f} h"
    return f"{60 * hours:.1f} min" if hours >= 1 / 60 else f"{3600 * hours:.1f} s"


def table(axis: str) -> str:
    """Return a line for each room: how its cost grows, and what one more costs at the largest."""
    everything = read()
    found = [one for one in everything if one["axis"] == axis]
    head = [cell.format(_SIDES[axis]) for cell in _HEAD]
    lines = [_line(head), "|---|--:|--:|--:|--:|--:|--:|"]
    for room in dict.fromkeys(one["room"] for one in everything):
        mine = [one for one in found if one["room"] == room and not one["refused"]]
        mine.sort(key=lambda one: float(one[axis]))
        if mine:
            lines.append(_line([f"{room}", *_figures(axis, mine)]))
    return "\n".join(lines)


def _figures(axis: str, points: list[dict[str, Any]]) -> list[str]:
    cost = [(one[axis], _cost(axis, one)) for one in points]
    pairs = zip(cost, points, strict=True)
    worth = [point for point, one in pairs if one["cpu_s"] >= _MEASURABLE]
    size, seconds = cost[-1]
    each = 1e6 * seconds / (1 if points[-1]["room"] in _PER_CALL else size)
    weight = points[-1]["disk"] or 1e6 * points[-1]["peak_mb"]
    return [
        f"{size:,.0f}",
        f"{exponent(worth):.2f}" if len(worth) > 1 else "",
        f"{exponent(worth[-2:]):.2f}" if len(worth) > 1 else "",
        f"{seconds:.2g}",
        f"{each:,.0f}" if each >= 1000 else f"{each:.3g}",
        f"{weight / size:,.0f}",
    ]


def _cost(axis: str, one: dict[str, Any]) -> float:
    """Return seconds for all customers, also where some were asked about; or of one call."""
    if one["room"] in _PER_CALL:
        return float(one["cpu_s"] / one["asked"])
    asked = axis == "customers" and one["room"].startswith(("lists", "watch"))
    return float(one["cpu_s"] * (one["customers"] / one["asked"] if asked else 1))


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
