// Show one breaker's latency: its percentile since the page was opened, and the calls in the window.
import { drawCalls, drawTimes } from "./chart.js";
import { byId, say } from "./element.js";
import { number } from "./words.js";

const KEPT_SECONDS = 900;

const histories = new Map(); // breaker -> {points, trips}

export function showLatency(status, now) {
  const { points, trips } = remember(status, now);
  const name = `p${number(status.percentile_value * 100)}`;
  drawTimes(byId("times"), points, trips, now);
  const value = status.window_calls ? `${status.current_percentile_ms} ms` : "of no calls";
  describe("times", `${name} latency ${value}, threshold ${status.latency_threshold_ms} ms, trips in view: ${trips.length}`);

  const latencies = status.recent_latencies_ms;
  const above = latencies.filter((value) => value > status.latency_threshold_ms).length;
  const words = latencies.length
    ? `The calls in the window, oldest first: ${latencies.length}, ${above} above the threshold.`
    : "No calls in the window.";
  drawCalls(byId("calls"), latencies, status.latency_threshold_ms);
  describe("calls", words);
  say(byId("calls-legend"), words);
}

function remember(status, now) {
  const { points, trips } = histories.get(status.name) || { points: [], trips: [] };
  points.push({ at: now, value: status.current_percentile_exact_ms, limit: status.latency_threshold_ms });
  const trip = Date.parse(status.last_trip_time) / 1000;
  if (trip && trips.at(-1) !== trip) trips.push(trip);
  const kept = (at) => now - at < KEPT_SECONDS;
  const history = { points: points.filter((point) => kept(point.at)), trips: trips.filter(kept) };
  histories.set(status.name, history);
  return history;
}

function describe(id, text) {
  byId(id).setAttribute("aria-label", text);
}
