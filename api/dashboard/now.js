// Show one breaker as of now: its state, the reason, since when, and what comes next.
import { byId, fill, make, say } from "./element.js";
import { serviceNow } from "./service.js";
import { REJECTING, STATES, bytes, capital, closed, duration, inProcesses, moment, number, percent, sentences, stateWord } from "./words.js";

// Nothing stays nothing.
const told = (text) => text && closed(text);

export function showNow(status, changedAt) {
  say(byId("name"), status.name);
  say(byId("state"), stateWord(status.state));
  byId("state").className = `badge ${STATES[status.state]}`;
  byId("drill").hidden = !status.drill;
  say(byId("why"), why(status));
  say(byId("next"), next(status));
  say(byId("since"), since(status, changedAt));
  const figures = figuresOf(status);
  fill(byId("figures"), figures, () => figures.flatMap(row));
  document.title = `${stateWord(status.state)} ${status.name} - breakerd`;
}

function why(status) {
  const where = inProcesses(status.members);
  return where ? closed([capital(where), reasonOf(status)].filter(Boolean).join(": ")) : reasonOf(status);
}

function reasonOf(status) {
  if (status.would_be_state && status.would_be_state !== "CLOSED") {
    return closed(`Would be ${stateWord(status.would_be_state)}: ${cause(status)}`);
  }
  if (status.state === "HALF_OPEN") return cause(status) && closed(`Tripped: ${cause(status)}`);
  if (REJECTING.includes(status.state)) return told(cause(status));
  if (status.limiter?.shedding) return overload(status.limiter);
  if (status.enabled && !status.latency_ok) {
    return `Latency is above its threshold${status.trend_analysis_enabled ? `; its trend is ${status.trend}` : ""}.`;
  }
  return "";
}

function overload({ limit, phase, normal_latency_ms, latency_ms }) {
  const usual = normal_latency_ms === null ? "" : `, normally ${number(normal_latency_ms, 3)} ms`;
  const led = { congested: "more would slow down all", trial: "testing whether fewer serve more" };
  const reason = led[phase] ?? "more would wait for most of the time-out";
  return `Overloaded: at most ${limit} calls at once, since ${reason}; latency ${number(latency_ms, 3)} ms${usual}.`;
}

function cause(status) {
  const operator = { operator: "set by an operator", manual: "tripped manually" };
  const by = status.note_by ? ` (by ${status.note_by})` : "";
  return (sentences(status.evidence) || status.note || operator[status.reason] || status.reason || inOthers(status)) + by;
}

// The process that answers has another state, and so another reason or none.
function inOthers({ fleet }) {
  const reasons = { failure_streak: "calls of most processes fail", overload: "more calls than are served in time" };
  return reasons[fleet?.episode?.reason] ?? "";
}

function next(status) {
  switch (status.state) {
    case "CLOSED": return status.limiter?.limit == null ? "All calls pass." : "Calls pass up to the limit, high priorities first.";
    case "FORCED_OPEN": return "Rejects all calls until reset or enabled.";
    case "DISABLED": return "All calls pass and nothing is decided until enabled.";
    case "OBSERVE": return `Decides but rejects nothing until enabled; would have rejected ${status.would_reject} so far.`;
    case "WARMING_UP": return "All calls pass while the baseline is learnt.";
    default: return recovery(status);
  }
}

function recovery(status) {
  if (!status.recovery) return inFleet(status);
  const { phase, share, seconds_left, probes_in_flight, lost_probes } = status.recovery;
  if (!status.memory_ok) return "Rejects all calls until memory falls below its threshold.";
  if (status.load?.rejects) return "Rejects all calls until the load falls below its threshold.";
  const left = Math.ceil(seconds_left);
  if (phase === "memory") return "Admits calls while there is memory.";
  if (phase === "ramp" && status.limiter?.phase === "slow_start") {
    return `Admits ${status.limiter.limit} concurrent calls, more with each success.`;
  }
  if (phase === "wait") return `Rejects all calls. Sends probes in ${left} s.`;
  if (phase === "probes") {
    return `Admits a few probes: ${probes_in_flight} in flight${lost_probes ? `, ${lost_probes} lost` : ""}.`;
  }
  return `Admits ${percent(share)} of the calls${left ? `, more in ${left} s if they succeed` : ""}.`;
}

function inFleet({ fleet }) {
  const episode = fleet?.episode;
  if (episode?.phase === "ramp") return `Admits ${percent(episode.share)} of the calls, the same in all processes.`;
  return "Rejects calls in the processes that are open, but for probes.";
}

function since(status, changedAt) {
  const now = serviceNow();
  const ago = (words, at) => `${words} ${moment(at, now)}, ${duration(now - at)} ago.`;
  const tripped = status.last_trip_time && Date.parse(status.last_trip_time) / 1000;
  const failures = status.recovery?.failed_recoveries;
  const failed = failures ? ` Recovery failed ${failures === 1 ? "once" : `${failures} times`}.` : "";
  if (tripped && ["OPEN", "FORCED_OPEN"].includes(status.state)) return ago("Since", tripped) + failed;
  const parts = changedAt ? [ago("Since", changedAt)] : [];
  if (tripped) parts.push(ago("Last trip", tripped));
  return parts.join(" ") + failed;
}

function figuresOf(status) {
  const { calls, slo } = status;
  const rows = [
    [
      `p${number(status.percentile_value * 100)} latency`,
      latency(status),
      status.window_calls ? status.latency_percent_of_threshold : null,
    ],
    ["Trend", status.trend ? `${status.trend}, ${number(status.trend_slope_percent_per_call, 2)} % a call` : "no calls"],
    ["Errors", errors(status), status.error_threshold && status.window_calls ? (status.error_rate / status.error_threshold) * 100 : null],
    ["Memory", memory(status), status.memory_known ? (status.memory_usage_percent / status.memory_threshold_percent) * 100 : null],
    ...(status.load ? [["Load", load(status.load), status.load.severity * 100]] : []),
    ["In flight", status.limiter ? inFlight(status) : String(status.in_flight)],
    ["Calls", `${calls.success} succeeded, ${calls.error} failed, ${calls.rejected} rejected`],
    ["Configuration", status.config ? status.config.file : "built-in defaults"],
  ];
  if (slo) rows.splice(3, 0, ["Service level", serviceLevel(slo)]);
  return rows;
}

function latency(status) {
  const limit = `${status.latency_threshold_ms} ms`;
  const hung = status.hung_calls ? `; ${status.hung_calls} in flight for longer` : "";
  return (status.window_calls ? `${status.current_percentile_ms} ms of ${limit}` : `no calls; limit ${limit}`) + hung;
}

function errors(status) {
  if (!status.window_calls) return "no calls";
  const limit = status.error_threshold === null ? "no limit" : `of ${percent(status.error_threshold)}`;
  return `${percent(status.error_rate)}, ${limit}`;
}

function memory(status) {
  if (!status.memory_known) return "unknown; trips nothing";
  const limit = status.memory_limit_bytes < 0 ? "" : ` of ${bytes(status.memory_limit_bytes)}`;
  return `${number(status.memory_usage_percent, 3)} % of ${number(status.memory_threshold_percent)} % (${bytes(status.memory_usage_bytes)}${limit})`;
}

function load({ cpu_pressure_percent, memory_pressure_percent, io_pressure_percent, load_per_cpu, loop_lag_ms }) {
  const known = [
    ["CPU pressure", cpu_pressure_percent, " %"],
    ["memory pressure", memory_pressure_percent, " %"],
    ["I/O pressure", io_pressure_percent, " %"],
    ["load average", load_per_cpu, " per CPU"],
    ["event loop lag", loop_lag_ms, " ms"],
  ].filter(([, value]) => value !== null);
  return known.map(([name, value, unit]) => `${name} ${number(value, 3)}${unit}`).join(", ") || "unknown; trips nothing";
}

function serviceLevel(slo) {
  const seen = slo.observed_success_rate === null ? "no calls" : `${percent(slo.observed_success_rate)} good`;
  const kept = slo.estimate ? `; achieves ${percent(slo.estimate.success_rate)} in ${number(slo.estimate.timeout_seconds)} s` : "";
  return `${seen}, ${percent(slo.stated_success_rate)} required${slo.missed ? ": missed" : ""}${kept}`;
}

function inFlight({ in_flight, limiter: { limit, rejected } }) {
  return `${in_flight}, ${limit === null ? "no limit" : `limit ${limit}`}; ${rejected} rejected so far`;
}

function row([name, value, share]) {
  const shown = make("dd", "", value);
  if (typeof share === "number") shown.append(gauge(name, share));
  return [make("dt", "", name), shown];
}

function gauge(name, share) {
  const meter = make("meter");
  Object.assign(meter, { max: 150, low: 80, high: 100, optimum: 0, value: share });
  meter.setAttribute("aria-label", `${name}: ${Math.round(share)} % of its limit`);
  return meter;
}
