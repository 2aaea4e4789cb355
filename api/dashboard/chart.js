// Draw two small charts in SVG: a value over time, and one bar per call; both with their limit.
import { duration, number } from "./words.js";

const NS = "http://www.w3.org/2000/svg";
const LEFT = 56; // pixels for the labels of the scale
const EDGE = 16;
const GAP = 5; // seconds without a point that interrupt the line
const SHORTEST = 60; // minimum seconds shown

// `points`: {at, value, limit} with `at` in seconds and `value` null while there is none.
export function drawTimes(svg, points, marks, now) {
  const span = Math.max(SHORTEST, now - points[0].at);
  const frame = new Frame(svg, points.flatMap(({ value, limit }) => [value ?? 0, limit]));
  const x = (at) => frame.x(1 - (now - at) / span);
  const trips = marks.filter((at) => now - at < span);
  svg.append(
    ...trips.map((at) => shape("path", { class: "mark", d: `M${x(at)} ${EDGE}V${frame.bottom}` })),
    shape("path", { class: "limit", d: line(points, ({ at, limit }) => [x(at), frame.y(limit)]) }),
    shape("path", { class: "value", d: line(points, ({ at, value }) => value !== null && [x(at), frame.y(value)]) }),
    label(LEFT, frame.bottom + 13, `${duration(span)} ago`, "start"),
    label(frame.right, frame.bottom + 13, "now", "end"),
  );
}

// Draw as many of the newest `values` as fit, oldest first.
export function drawCalls(svg, values, limit) {
  const frame = new Frame(svg, [...values, limit]);
  const room = Math.max(1, Math.floor((frame.right - LEFT) / 3));
  const shown = values.slice(-room);
  const step = Math.min(12, (frame.right - LEFT) / Math.max(1, shown.length));
  const bars = (wanted) => shown.map((value, i) => (wanted(value)
    ? `M${(LEFT + step * (i + 0.1)).toFixed(1)} ${frame.bottom}V${frame.y(value).toFixed(1)}h${(step * 0.8).toFixed(1)}V${frame.bottom}Z`
    : "")).join("");
  svg.append(
    shape("path", { class: "bar", d: bars((value) => value <= limit) }),
    shape("path", { class: "bar over", d: bars((value) => value > limit) }),
    shape("path", { class: "limit", d: `M${LEFT} ${frame.y(limit)}H${frame.right}` }),
  );
}

// An empty chart with its scale, in pixels of the page. Removes what was drawn before.
class Frame {
  constructor(svg, values) {
    const { clientWidth, clientHeight } = svg;
    svg.setAttribute("viewBox", `0 0 ${clientWidth} ${clientHeight}`);
    this.right = clientWidth - 4;
    this.bottom = clientHeight - EDGE;
    this.top = roundUp(Math.max(...values));
    svg.replaceChildren(...[0, 0.5, 1].flatMap((share) => this.#ruler(share)));
  }

  x(share) { return LEFT + share * (this.right - LEFT); }

  y(value) { return this.bottom - (value / this.top) * (this.bottom - EDGE); }

  #ruler(share) {
    const value = share * this.top;
    const y = this.y(value);
    const text = label(LEFT - 6, y + 4, `${number(value)} ms`, "end");
    return [shape("path", { class: "ruler", d: `M${LEFT} ${y}H${this.right}` }), text];
  }
}

function line(points, place) {
  let drawing = false;
  let last = 0;
  return points.map((point) => {
    const spot = place(point);
    const joined = drawing && point.at - last <= GAP;
    [drawing, last] = [Boolean(spot), point.at];
    return spot ? `${joined ? "L" : "M"}${spot[0].toFixed(1)} ${spot[1].toFixed(1)}` : "";
  }).join("");
}

// Round up to 1, 2, 4, 6 or 8 times a power of ten, at least a tenth above the value.
function roundUp(value) {
  const wanted = Math.max(1, value * 1.1);
  const power = 10 ** Math.floor(Math.log10(wanted));
  return power * [1, 2, 4, 6, 8, 10].find((step) => step * power >= wanted);
}

function label(x, y, text, anchor) {
  const made = shape("text", { x, y, "text-anchor": anchor });
  made.textContent = text;
  return made;
}

function shape(name, attributes) {
  const made = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
