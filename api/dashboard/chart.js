// A line of values over time, a dashed limit, and a bar for each mark; drawn as SVG, no library.

const NS = "http://www.w3.org/2000/svg";
const WIDTH = 600;
const HEIGHT = 200;

function shape(name, attributes) {
  const made = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.setAttribute("vector-effect", "non-scaling-stroke");
  return made;
}

export function drawChart(svg, points, marks) {
  const first = points[0].at;
  const span = Math.max(30000, points.at(-1).at - first);
  const top = 1.15 * Math.max(...points.map((point) => Math.max(point.value, point.limit)));
  const x = (at) => ((at - first) / span) * WIDTH;
  const y = (value) => HEIGHT - (value / top) * HEIGHT;
  const path = (value) => points.map((point, i) => `${i ? "L" : "M"}${x(point.at).toFixed(1)} ${y(value(point)).toFixed(1)}`).join("");
  const line = { fill: "none", "stroke-width": 2 };
  svg.replaceChildren(
    ...marks.filter((at) => at >= first).map((at) => shape("path", { d: `M${x(at)} 0V${HEIGHT}`, stroke: "var(--bad)", opacity: 0.55, ...line })),
    shape("path", { d: path((point) => point.limit), stroke: "var(--faint)", "stroke-dasharray": "6 5", ...line }),
    shape("path", { d: path((point) => point.value), stroke: "var(--cool)", ...line }),
  );
}
