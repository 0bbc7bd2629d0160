"""What was aimed at and what was measured: one line a target, said to be met, missed, or missed by less than two errors."""

from collections.abc import Iterator, Mapping, Sequence

from benchmarks.decisions.proven import WITH, WITHOUT
from benchmarks.decisions.rivals import RULES
from benchmarks.decisions.tables import LEAST_OF_MEANS, MONEY, Record, mean_of, number, table

_PRICED = f"{MONEY}, priced"
_BRIEF = {500: 0.52, 50: 0.26, 15: 0.14}
_MEANS = {2: 0.475, 3: 0.43, 5: 0.38, 8: 0.34}
_FEWEST = 5
_MET = "met"
_CELLS = 7 * 3

Found = Mapping[str, Sequence[Record]]
Range = tuple[float | None, float | None]
Line = tuple[str, str, Range, float, float]
"""Number, what it is of, the range asked for, measured, standard error."""

assert {MONEY, _PRICED} <= set(RULES)


def closing(found: Found) -> str:
    """Return the table of the targets that can be told from what was measured; of what is said, the ones not met."""
    said = list(_said(found))
    lines = [*_net(found), *_learned(found), *_priced(found), *_proven(found), *_engine(found)]
    unmet = [line for line in said if _verdict(*line[2:]) != _MET]
    rows = [
        [no, of, _range(asked), number(got, 3), number(error, 3), _verdict(asked, got, error)]
        for no, of, asked, got, error in (*lines, *unmet)
    ]
    if said:
        rows.append(
            [
                "5",
                f"the other {len(said) - len(unmet)} of {len(said)} figures of what is said",
                "",
                "",
                "",
                _MET,
            ]
        )
    rows.sort(key=lambda row: int(row[0]))
    return table(["target", "of", "asked for", "measured", "standard error", ""], rows)


def _verdict(asked: Range, got: float, error: float) -> str:
    low, high = asked
    by = max(0.0 if low is None else low - got, 0.0 if high is None else got - high)
    if by <= 0:
        return _MET
    return "missed by less than two errors" if by < 2 * error else "**missed**"


def _range(asked: Range) -> str:
    low, high = asked
    if low is None or high is None:
        return f"at least {low:g}" if low is not None else f"at most {high:g}"
    return f"{low:g} to {high:g}"


def _net(found: Found) -> Iterator[Line]:
    for each in found.get("brief", ()):
        if each["rule"] == MONEY:
            least = _BRIEF[each["purchases"]]
            yield (
                "3",
                f"brief, {each['purchases']} purchases, net",
                (least, None),
                each["net"],
                each["net_error"],
            )
    for variants, least in _MEANS.items():
        cells = found.get(f"market{variants}", ())
        mean = mean_of(cells, MONEY, variants)
        if mean is not None:
            yield (
                "4",
                f"{variants} variants, mean net",
                (least, None),
                mean,
                _error_of_mean(cells, MONEY, "net_error"),
            )


def _error_of_mean(records: Sequence[Record], rule: str, name: str) -> float:
    errors = [each[name] for each in records if each["rule"] == rule and each["spread"] >= LEAST_OF_MEANS]
    return float(sum(error**2 for error in errors) ** 0.5 / len(errors))


def _said(found: Found) -> Iterator[Line]:
    for each in (
        *found.get("said", ()),
        *(one for one in found.get("criteria", ()) if one["criterion"] != "roas"),
    ):
        if each["each"] < _FEWEST:
            continue
        of = f"{each['criterion']}, {each['variants']} variants, {each['each']} each, {each['hours']} h"
        gap, p_error = each["p_said"] - each["p_true"], each["p_error"]
        yield "5", f"{of}: P(best), said less true", (-0.03, 0.03), gap, p_error
        yield "5", f"{of}: slope of P(best)", (0.88, 1.12), each["p_slope"], each["p_slope_error"]
        yield "5", f"{of}: slope of the gain", (0.88, 1.12), each["gain_slope"], each["gain_slope_error"]
        yield "5", f"{of}: loss, true/said", (0.80, 1.15), each["loss_ratio"], each["loss_error"]


def _learned(found: Found) -> Iterator[Line]:
    for each in found.get("clicks", ()):
        if each["clicks_used"] is not None:
            asked = (0.10, None) if each["tied"] else (-0.01, 0.01)
            tie = "a tie of .5" if each["tied"] else "no tie"
            of = f"clicks, {tie}, {each['purchases']} purchases: change of the gross share"
            yield "6", of, asked, each["change"], each["change_error"]
    for each in found.get("memory", ()):
        if each["clicks_used"] is not None:
            of = f"memory, spread {each['spread']}"
            if each["spread"] > LEAST_OF_MEANS:
                yield "7", f"{of}: gain, said/true", (0.85, 1.10), each["ratio"], each["ratio_error"]
            yield "7", f"{of}: change of the gross share", (-0.03, None), each["change"], each["change_error"]


def _priced(found: Found) -> Iterator[Line]:
    cells = [
        each
        for name, records in found.items()
        if name.startswith("market")
        for each in records
        if each["rule"] == _PRICED and each["spread"] >= LEAST_OF_MEANS
    ]
    if cells:
        worst = min(cells, key=lambda each: float(each["priced"]))
        of = f"priced, worst cell: {worst['variants']} variants, {worst['purchases']}, {worst['spread']}"
        yield "8", of, (-3.0, None), worst["priced"], worst["priced_error"]
    if len(cells) == len(_MEANS) * _CELLS:
        mean = sum(each["priced"] for each in cells) / len(cells)
        yield (
            "8",
            "priced, mean of 84 cells",
            (5.0, None),
            mean,
            _error_of_mean(cells, _PRICED, "priced_error"),
        )


def _proven(found: Found) -> Iterator[Line]:
    ties = [each for each in found.get("proof", ()) if each["lift"] == 0]
    for each in ties:
        if each["method"] == WITH:
            of = f"tie of {each['variants']}, {each['each']} each: false winners"
            (without,) = (
                one["wrong"]
                for one in ties
                if one["method"] == WITHOUT
                and (one["variants"], one["each"]) == (each["variants"], each["each"])
            )
            yield (
                "9",
                f"{of} with money, at most those without",
                (None, without),
                each["wrong"],
                each["wrong_error"],
            )
        if each["method"] == WITHOUT:
            of = f"tie of {each['variants']}, {each['each']} each: false winners"
            yield "9", of, (None, 0.05), each["wrong"], each["wrong_error"]


def _engine(found: Found) -> Iterator[Line]:
    for each in found.get("engine", ()):
        yield "10", "ms a money look, 8 variants", (None, 5.0), each["ms"], 0.0
        for name in ("same_again", "same_renamed", "same_without_later"):
            yield "10", name.replace("_", " "), (1.0, None), float(each[name]), 0.0
