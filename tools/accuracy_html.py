"""One page, in one file: predicted against measured as a picture, the table, and the worst rows with a reason each."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from html import escape

from tools.accuracy_cases import Case
from tools.accuracy_why import why

WIDTH, HEIGHT, MARGIN = 860, 560, 56
COLOURS = (
    "#4c78a8", "#f58518", "#54a24b", "#b79a20", "#439894", "#e45756", "#d67195", "#b279a2", "#9e765f", "#79706e",
    "#1b9e77", "#7570b3", "#e7298a", "#66a61e", "#a6761d", "#2f4b7c", "#a05195", "#ff7c43",
)  # fmt: skip
LINES = ((1.0, "#444", ""), (1.2, "#999", "4 4"), (1 / 1.2, "#999", "4 4"))
WORST, OF_A_KIND = 20, 2
STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:1000px;margin:2em auto;padding:0 1em;color:#222}"
    "table{border-collapse:collapse;font-size:13px}"
    "td,th{padding:2px 10px;border-bottom:1px solid #ddd;text-align:right}"
    "td:nth-child(-n+2),th:nth-child(-n+2),.worst td:last-child,.worst th:last-child{text-align:left}"
    ".wide{overflow-x:auto}.worst td:nth-child(2),.worst td:last-child{min-width:16em}"
    ".key span{margin-right:1em;display:inline-block}"
    "tr.all td{font-weight:600;background:#f4f4f4}"
)
Table = Mapping[tuple[str, str], tuple[int, float, float, float, float, float]]


def page(own: list[Case], others: list[Case], table: Table) -> str:
    """The whole page; nothing in it is fetched from elsewhere.

    own, others : cases of vLLM and of other engines and studies, with a prediction
    table : (set, group) -> cases, and median, mean, bias, share inside the interval and its width [%]
    """
    parts = [
        "<!doctype html><html lang='en'><meta charset='utf-8'>",
        "<meta name='viewport' content='width=device-width,initial-scale=1'><title>Headroom: accuracy</title>",
        f"<style>{STYLE}</style><h1>Predicted against measured</h1>",
        f"<p>{len(own) + len(others):,} measurements. Line: equal; dashed: 20 % above and below. Each set in its own "
        "unit. Inside: share of them within the 90 % interval; width: of the interval, over the prediction.</p>",
        *_picture("vLLM: latencies and throughput", [case for case in own if case.cells]),
        *_picture("vLLM: KV cache", [case for case in own if not case.cells]),
        *_picture("Other engines and studies", others),
        f"<h2>The {WORST} worst</h2><p>At most {OF_A_KIND} of one set, GPU and model.</p>",
        f"<div class='wide'><table class='worst'>{''.join(_worst([*own, *others]))}</table></div>",
        f"<h2>By set and group</h2><div class='wide'><table>{''.join(_rows(table))}</table></div></html>",
    ]
    return "\n".join(parts)


def _picture(title: str, found: list[Case]) -> Iterator[str]:
    if not found:
        return
    families = dict.fromkeys(_family(case) for case in found)
    colours = {name: COLOURS[at % len(COLOURS)] for at, name in enumerate(families)}
    key = " ".join(
        f'<span><b style="color:{colour}">&#9679;</b> {escape(name)}</span>' for name, colour in colours.items()
    )
    yield f"<h2>{escape(title)}</h2>{scatter(found, colours)}<p class='key'>{key}</p>"


def scatter(found: list[Case], colours: Mapping[str, str]) -> str:
    """Inline SVG, both axes logarithmic, a point a case."""
    points = [(case, math.log10(case.measured), math.log10(case.predicted or 1)) for case in found if case.measured > 0]
    low = math.floor(min((min(x, y) for _, x, y in points), default=0))
    high = math.ceil(max((max(x, y) for _, x, y in points), default=1))
    return "".join(
        (
            f"<svg viewBox='0 0 {WIDTH} {HEIGHT}' width='100%' role='img' aria-label='predicted against measured'>",
            *_axes(low, high),
            *_lines(low, high),
            *(_point(_x(x, low, high), _y(y, low, high), colours[_family(case)]) for case, x, y in points),
            "</svg>",
        )
    )


def _family(case: Case) -> str:
    """The set that a point is coloured by: without its metric, where it has several."""
    return case.table.removesuffix(case.table.rsplit(" ", 1)[-1]).strip() or case.table


def _x(value: float, low: float, high: float) -> float:
    return MARGIN + (value - low) / (high - low) * (WIDTH - 2 * MARGIN)


def _y(value: float, low: float, high: float) -> float:
    return HEIGHT - MARGIN - (value - low) / (high - low) * (HEIGHT - 2 * MARGIN)


def _axes(low: int, high: int) -> Iterator[str]:
    for power in range(low, high + 1):
        x, y = _x(power, low, high), _y(power, low, high)
        label = f"{10.0**power:g}"
        yield f"<path d='M{x:.1f} {MARGIN}V{HEIGHT - MARGIN}M{MARGIN} {y:.1f}H{WIDTH - MARGIN}' stroke='#e8e8e8'/>"
        yield f"<text x='{x:.1f}' y='{HEIGHT - MARGIN + 18}' font-size='12' text-anchor='middle'>{label}</text>"
        yield f"<text x='{MARGIN - 8}' y='{y + 4:.1f}' font-size='12' text-anchor='end'>{label}</text>"
    yield f"<text x='{WIDTH / 2}' y='{HEIGHT - 12}' font-size='13' text-anchor='middle'>measured</text>"
    yield f"<text x='16' y='{MARGIN - 16}' font-size='13'>predicted</text>"


def _lines(low: float, high: float) -> Iterator[str]:
    for factor, colour, dashes in LINES:
        shift = math.log10(factor)
        start, end = low + max(0.0, -shift), high - max(0.0, shift)
        ends = (_x(start, low, high), _y(start + shift, low, high), _x(end, low, high), _y(end + shift, low, high))
        x1, y1, x2, y2 = (f"{value:.1f}" for value in ends)
        yield f"<line x1='{x1}' y1='{y1}' x2='{x2}' y2='{y2}' stroke='{colour}' stroke-dasharray='{dashes}'/>"


def _point(x: float, y: float, colour: str) -> str:
    return f"<circle cx='{x:.1f}' cy='{y:.1f}' r='2' fill='{colour}' fill-opacity='.5'/>"


def _worst(found: list[Case]) -> Iterator[str]:
    yield _row(("Set", "Question", "Predicted", "Measured", "Ratio", "Why"), tag="th")
    for case in _distinct(sorted(found, key=lambda case: -abs(math.log(case.ratio)))):
        asked = f"{case.gpu} x {case.model}, {case.conditions}"
        numbers = (f"{case.predicted:.4g}", f"{case.measured:.4g}", f"{case.ratio:.2f}")
        yield _row((case.table, asked, *numbers, why(case)))


def _distinct(found: Iterable[Case]) -> Iterator[Case]:
    """The first of them, few of each set, GPU and model, so that one odd run does not fill the list."""
    seen: Counter[tuple[str, str, str]] = Counter()
    for case in found:
        kind = (case.table, case.gpu, case.model)
        if seen.total() < WORST and seen[kind] < OF_A_KIND:
            seen[kind] += 1
            yield case


def _rows(table: Table) -> Iterator[str]:
    yield _row(("Set", "Group", "Cases", "Median %", "Mean %", "Bias %", "Inside %", "Width %"), tag="th")
    for (kind, group), (count, *errors) in table.items():
        cells = (kind, group, str(count), *("" if math.isnan(error) else f"{error:.1f}" for error in errors))
        yield _row(cells, style="all" if group == "all" else "")


def _row(cells: Iterable[str], tag: str = "td", style: str = "") -> str:
    inside = "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells)
    return f"<tr class='{style}'>{inside}</tr>" if style else f"<tr>{inside}</tr>"
