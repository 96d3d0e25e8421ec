# SPDX-License-Identifier: Apache-2.0
"""A log-log line chart as a small text SVG that follows the reader's light or dark setting. No modules needed."""
import html
import math

STYLE = """<style>
  text { font: 12px system-ui, sans-serif; fill: #333 }
  .title { font-size: 15px; font-weight: 600 }
  .grid { stroke: #ddd } .axis { stroke: #888 }
  .line { fill: none; stroke-width: 2 }
  .c0 { stroke: #0b6bcb; fill: #0b6bcb } .c1 { stroke: #c2410c; fill: #c2410c } .c2 { stroke: #4d7c0f; fill: #4d7c0f }
  @media (prefers-color-scheme: dark) {
    text { fill: #ddd } .grid { stroke: #333 } .axis { stroke: #888 }
    .c0 { stroke: #6cb6ff; fill: #6cb6ff } .c1 { stroke: #ff9b6a; fill: #ff9b6a } .c2 { stroke: #a3d65c; fill: #a3d65c }
  }
  .line { fill: none }
</style>"""
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 420, 70, 200, 50, 50


def log_log(path, title, x_name, y_name, series):
    """series: [(name, [(x, y), …])]"""
    xs = [p[0] for _, points in series for p in points]
    ys = [p[1] for _, points in series for p in points]
    x0, x1 = math.floor(math.log10(min(xs))), math.ceil(math.log10(max(xs)))
    y0, y1 = math.floor(math.log10(min(ys))), math.ceil(math.log10(max(ys)))
    x = lambda v: LEFT + (math.log10(v) - x0) / max(x1 - x0, 1) * (WIDTH - LEFT - RIGHT)
    y = lambda v: HEIGHT - BOTTOM - (math.log10(v) - y0) / max(y1 - y0, 1) * (HEIGHT - TOP - BOTTOM)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{html.escape(title)}">', STYLE,
           f'<text class="title" x="{LEFT}" y="24">{html.escape(title)}</text>']
    for k in range(x0, x1 + 1):
        out.append(f'<line class="grid" x1="{x(10**k):.1f}" x2="{x(10**k):.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>'
                   f'<text x="{x(10**k):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{10**k:,}</text>')
    for k in range(y0, y1 + 1):
        out.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(10.0**k):.1f}" y2="{y(10.0**k):.1f}"/>'
                   f'<text x="{LEFT - 8}" y="{y(10.0**k) + 4:.1f}" text-anchor="end">{10.0**k:g}</text>')
    out.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 10}" text-anchor="middle">{html.escape(x_name)}</text>')
    out.append(f'<text x="{LEFT}" y="{TOP - 8}" text-anchor="end">{html.escape(y_name)}</text>')
    for i, (name, points) in enumerate(series):
        line = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in points)
        out.append(f'<polyline class="line c{i % 3}" points="{line}"/>')
        for a, b in points:
            out.append(f'<circle class="c{i % 3}" cx="{x(a):.1f}" cy="{y(b):.1f}" r="3"><title>{a:,}: {b:.3g}</title></circle>')
        out.append(f'<text x="{x(points[-1][0]) + 8:.1f}" y="{y(points[-1][1]) + (4, -8, 16)[i % 3]:.1f}">{html.escape(name)}</text>')
    out.append("</svg>")
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join(out) + "\n")
