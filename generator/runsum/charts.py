"""The kinds of chart a page can draw, as Vega specs without data.

Altair runs once per *kind* of chart, never once per run: a run contributes columns of numbers
(:mod:`runsum.chartdata`) which the browser maps to the named data sources declared here. The specs are
compiled from Vega-Lite to Vega at build time, so a page needs the Vega runtime alone.

What the browser feeds (``site_template/assets/runsum-chart.js``), by named data source:

* ``line``, ``raw``: rows ``x, y, seg, c, o, w`` (segment, colour, opacity, stroke width), in a comparison also ``d``
  (dashes)
* ``band``: rows ``x, lo, hi, seg``
* ``spans``, ``rules``, ``ticks``, ``dots``: events as areas (``x, x2, c``), verticals, ticks at the axis and points
* ``target``: at most one row ``y, text``, the planned total
* ``hover``: at most a few rows under the pointer
* ``bars``, ``links``, ``names``: the tree of a lineage

Colours are signals (``accent``, ``muted``, …), set by the browser from the page's light or dark theme.
Texts of a database reach a spec as values of rows or of title signals only: never as an expression, a field
name or a link.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

import altair as alt
import vl_convert
from altair.utils.schemapi import debug_mode

WIDTH = 720
"""Width before the browser says otherwise, in pixels."""
TALL = 300
"""Height of the charts a page is opened for, in pixels."""
SMALL = 180
"""Height of a metric panel, in pixels."""

_COLOURS = {
    "accent": "#0072b2",
    "muted": "#767676",
    "faint": "#d9d9d9",
    "note": "#d55e00",
    "paper": "#ffffff",
}
_X_TITLE, _Y_TITLE = "@xTitle", "@yTitle"  # Vega-Lite takes no expression as a title; see `_signal_titles`
_NUMBER_LABEL = (
    "abs(datum.value) >= 1e15 ? format(datum.value, '.1e') : "
    "abs(datum.value) >= 1e4 ? format(datum.value, '~s') : format(datum.value, '~g')"
)
_COUNT_LABEL = "abs(datum.value) >= 1000 ? format(datum.value, '~s') : format(datum.value, '~g')"


def reward_chart() -> alt.LayerChart:
    """Draw the episode reward: line, band, and everything that happened to the run."""
    layers = [_spans(), _rules(), _band(), _raw(), _line(), _ticks(), _tick_labels(), _dots(), *_hover()]
    return _chart(layers, TALL)


def metric_chart() -> alt.LayerChart:
    """Draw one metric of a run, or a few related ones, in a small panel, with restarts and gaps only."""
    return _chart([_spans(), _rules(), _raw(), _line(), *_hover()], SMALL)


def progress_chart() -> alt.LayerChart:
    """Draw timesteps over elapsed hours against the planned total."""
    return _chart([_spans(), _rules(), _target(), _target_label(), _line(), *_hover()], SMALL)


def curves_chart() -> alt.LayerChart:
    """Draw the curves of several runs: the legs of a lineage as one history, or a few of a game before the others."""
    return _chart([_raw(), _line(), *_hover()], TALL)


def seeds_chart() -> alt.LayerChart:
    """Draw runs that differ in their seed alone, faint, before them their interquartile mean with its band."""
    return _chart([_band(), _raw(), _line(), *_hover()], TALL)


def compare_chart() -> alt.LayerChart:
    """Draw the same metric of several runs: dashes tell apart what colours alone cannot."""
    return _chart([_lines("raw", dashed=True), _lines("line", dashed=True), *_hover()], TALL)


def tree_chart() -> alt.LayerChart:
    """Draw which run continued which: a bar per run on a lane, a link per fork."""
    x, y = _x(), _lane()
    links = _layer("links").mark_rule(color=_signal("muted"), strokeWidth=1.5).encode(x=x, y=y, y2="y2:Q")
    bars = (
        _layer("bars")
        .mark_rect(cornerRadius=3, strokeWidth=1.5)
        .encode(
            x=x,
            x2="x2:Q",
            y=y,
            y2="y2:Q",
            fill=alt.Fill("c:N", scale=None),
            fillOpacity=alt.FillOpacity("o:Q", scale=None),
            stroke=alt.Stroke("c:N", scale=None),
        )
    )
    names = (
        _layer("names")
        .mark_text(align="left", baseline="middle", dx=6, fontSize=11, limit=220, color=_signal("ink"))
        .encode(x=x, y=y, text="text:N")
    )
    return _chart([links, bars, names], TALL, extra={"ink": "#212121", "laneLo": -0.5, "laneHi": 0.5})


CHART_KINDS: tuple[tuple[str, Callable[[], alt.LayerChart]], ...] = (
    ("reward", reward_chart),
    ("metric", metric_chart),
    ("multi", metric_chart),
    ("progress", progress_chart),
    ("lineage", curves_chart),
    ("tree", tree_chart),
    ("group", curves_chart),
    ("seeds", seeds_chart),
    ("compare", compare_chart),
)
"""Every kind of chart: the name used in chart data, and the function that draws it."""


def vega_spec(chart: alt.LayerChart) -> dict[str, Any]:
    """Compile a chart to the Vega spec the browser runs.

    Args:
        chart: What a function of :data:`CHART_KINDS` returns.

    Returns:
        A Vega spec without data, without a background and without an editor's metadata.
    """
    spec: dict[str, Any] = vl_convert.vegalite_to_vega(
        chart.to_dict(validate=False)
    )  # half of the time; a test does it
    for key in ("$schema", "background", "description", "legends", "style", "title", "usermeta"):
        spec.pop(key, None)
    titled: dict[str, Any] = _signal_titles(spec)
    return titled


def charts_script() -> bytes:
    """Write the script that hands all chart specs to the browser.

    Returns:
        UTF-8 JavaScript, ``window.runsumCharts = {kind: spec, …};``. The same bytes every time.
    """
    with debug_mode(False):
        specs = {kind: vega_spec(draw()) for kind, draw in CHART_KINDS}
    text = json.dumps(specs, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return f"window.runsumCharts = {text};\n".encode()


def _chart(layers: list[alt.Chart], height: int, extra: dict[str, str | float] | None = None) -> alt.LayerChart:
    """Put layers on one pair of axes, with every parameter named here (Altair's own names are counters)."""
    values: dict[str, str | float] = {
        **_COLOURS,
        "xLo": 0,
        "xHi": 1,
        "xTitle": "",
        "yTitle": "",
        **(extra or {}),
    }
    chart: alt.LayerChart = (
        alt.LayerChart(layer=layers)
        .properties(
            width=WIDTH,
            height=height,
            autosize=alt.AutoSizeParams(type="fit", contains="padding", resize=True),
        )
        .add_params(*(alt.param(name=name, value=value) for name, value in values.items()))
        .configure(background="transparent", padding=2, aria=False)
        .configure_view(stroke=None)
        .configure_axis(domain=False, ticks=False, labelPadding=6)
    )
    return chart


def _layer(source: str) -> alt.Chart:
    """Return an empty layer over a named data source."""
    return alt.Chart(alt.NamedData(name=source))


def _signal(name: str) -> alt.ExprRef:
    """Return a reference to a parameter of the chart."""
    return alt.ExprRef(expr=name)


def _x() -> alt.X:
    """Return the x channel: timesteps or hours, over the range the browser shows."""
    return alt.X(
        "x:Q",
        scale=alt.Scale(domain=[_signal("xLo"), _signal("xHi")], nice=False, zero=False, clamp=False),
        axis=alt.Axis(
            title=_X_TITLE,
            labelExpr=_COUNT_LABEL,
            labelFlush=True,
            grid=False,
            ticks=True,
            tickSize=4,
            tickCount=_signal("ceil(width / 90)"),
        ),
    )


def _y(field: str = "y") -> alt.Y:
    """Return the y channel: its range follows the rows, its title lies flat above the axis."""
    return alt.Y(
        f"{field}:Q",
        scale=alt.Scale(zero=False, nice=False, padding=12),
        axis=alt.Axis(
            title=_Y_TITLE,
            titleAngle=0,
            titleAlign="left",
            titleAnchor="end",
            titleX=0,
            titleY=-10,
            labelExpr=_NUMBER_LABEL,
            tickCount=_signal("ceil(height / 55)"),
            minExtent=34,
        ),
    )


def _lane() -> alt.Y:
    """Return the y channel of the tree: one lane per branch, without an axis."""
    return alt.Y(
        "y:Q",
        scale=alt.Scale(domain=[_signal("laneHi"), _signal("laneLo")], nice=False, zero=False),
        axis=None,
    )


def _line() -> alt.Chart:
    """Return the lines: one per segment, so that no line crosses a restart or missing values."""
    return _lines("line")


def _raw() -> alt.Chart:
    """Return the unsmoothed lines, faint; the browser fills them while smoothing is on."""
    return _lines("raw")


def _lines(source: str, *, dashed: bool = False) -> alt.Chart:
    """Return lines whose colour, opacity, width and, if wanted, dashes are columns of the rows."""
    layer: alt.Chart = (
        _layer(source)
        .mark_line(clip=True, strokeJoin="round", strokeCap="round", interpolate="linear")
        .encode(
            x=_x(),
            y=_y(),
            detail="seg:N",
            color=alt.Color("c:N", scale=None),
            opacity=alt.Opacity("o:Q", scale=None),
            strokeWidth=alt.StrokeWidth("w:Q", scale=None),
        )
    )
    if dashed:
        layer = layer.encode(strokeDash=alt.StrokeDash("d:N", scale=None))
    return layer


def _band() -> alt.Chart:
    """Return the spread around the line."""
    layer: alt.Chart = (
        _layer("band")
        .mark_area(clip=True, opacity=0.16, color=_signal("accent"), line=False)
        .encode(x=_x(), y=_y("lo"), y2="hi:Q", detail="seg:N")
    )
    return layer


def _spans() -> alt.Chart:
    """Return gaps in the recording and stretches that a check is about, shaded over the whole height."""
    layer: alt.Chart = (
        _layer("spans").mark_rect(clip=True, opacity=0.13).encode(x=_x(), x2="x2:Q", color=alt.Color("c:N", scale=None))
    )
    return layer


def _rules() -> alt.Chart:
    """Return restarts, gaps and seams between legs as thin verticals."""
    layer: alt.Chart = (
        _layer("rules")
        .mark_rule(clip=True, color=_signal("muted"), strokeDash=[3, 3], strokeWidth=1, opacity=0.8)
        .encode(x=_x())
    )
    return layer


def _ticks() -> alt.Chart:
    """Return milestones as short ticks standing on the x axis."""
    layer: alt.Chart = (
        _layer("ticks")
        .mark_rule(clip=True, color=_signal("muted"), strokeWidth=1.5)
        .encode(x=_x(), y=alt.value(_signal("height")), y2=alt.value(_signal("height - 7")))
    )
    return layer


def _tick_labels() -> alt.Chart:
    """Return the words of the milestones; at the ends of the axis they turn inwards instead of being cut."""
    place = "(datum.x - xLo) / (xHi - xLo)"
    align = alt.ExprRef(expr=f"{place} > 0.97 ? 'right' : {place} < 0.03 ? 'left' : 'center'")
    layer: alt.Chart = (
        _layer("ticks")
        .mark_text(clip=True, color=_signal("muted"), fontSize=10, baseline="bottom", limit=90, align=align)
        .encode(x=_x(), y=alt.value(_signal("height - 8")), text="text:N")
    )
    return layer


def _dots() -> alt.Chart:
    """Return notes and videos as points; their text is shown by the browser's tooltip."""
    layer: alt.Chart = (
        _layer("dots")
        .mark_point(clip=True, filled=True, size=70, opacity=1, strokeWidth=1.5)
        .encode(
            x=_x(),
            y=_y(),
            shape=alt.Shape("shape:N", scale=None),
            fill=alt.value(_signal("note")),
            stroke=alt.value(_signal("paper")),
        )
    )
    return layer


def _target() -> alt.Chart:
    """Return the planned total as a horizontal."""
    layer: alt.Chart = (
        _layer("target").mark_rule(color=_signal("note"), strokeDash=[6, 4], strokeWidth=1.2).encode(y=_y())
    )
    return layer


def _target_label() -> alt.Chart:
    """Return the word on the planned total."""
    layer: alt.Chart = (
        _layer("target")
        .mark_text(color=_signal("note"), align="left", baseline="top", dx=4, dy=4, fontSize=10)
        .encode(x=alt.value(0), y=_y(), text="text:N")
    )
    return layer


def _hover() -> list[alt.Chart]:
    """Return the hairline and the points under the pointer."""
    hairline = _layer("hover").mark_rule(clip=True, color=_signal("muted"), strokeWidth=1, opacity=0.5).encode(x=_x())
    point = (
        _layer("hover")
        .mark_point(clip=True, filled=True, size=45, opacity=1, strokeWidth=1.5)
        .encode(
            x=_x(),
            y=_y(),
            fill=alt.Fill("c:N", scale=None),
            stroke=alt.value(_signal("paper")),
        )
    )
    return [hairline, point]


def _signal_titles(node: Any) -> Any:
    """Replace the two title placeholders in a compiled spec by the signals they stand for."""
    if isinstance(node, dict):
        return {key: _signal_titles(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_signal_titles(value) for value in node]
    if isinstance(node, str) and node in (_X_TITLE, _Y_TITLE):
        return {"signal": node.removeprefix("@")}
    return node


if __name__ == "__main__":
    sys.stdout.buffer.write(charts_script())
