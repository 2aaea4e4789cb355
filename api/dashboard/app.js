// The dashboard: asks every second, follows events, and never shows old data as fresh.
import { drawChart } from "/dashboard/chart.js";

const POLL_MS = 1000;
const STALE_MS = 5000;
const EVENTS_KEPT = 100;
const HISTORY = 600;

const TONES = {
  CLOSED: "good", OPEN: "bad", FORCED_OPEN: "bad", HALF_OPEN: "warn",
  WARMING_UP: "cool", OBSERVE: "cool", DISABLED: "warn",
};
const ACTIONS = [
  { label: "Reset", path: "reset", body: { confirm: true }, text: "Closes it, and forgets what it saw." },
  { label: "Trip", path: "trip", reason: true, text: "Opens it; it recovers by itself." },
  { label: "Force open", path: "force-open", reason: true, text: "Rejects every call until it is reset." },
  { label: "Observe", path: "observe", text: "Decides and reports, but rejects nothing, until it is enabled." },
  { label: "Enable", path: "enabled", text: "Ends what an operator put in force, and resets." },
  { label: "Disable", path: "disabled", text: "Lets every call pass, until it is enabled." },
  { label: "Latency drill", path: "trigger-by-latency", text: "A real trip, marked as a drill. It pages." },
  { label: "Memory drill", path: "trigger-by-memory", text: "A real trip, marked as a drill, until the memory check is restored. It pages." },
  { label: "End memory drill", path: "restore-memory-check", text: "Lets memory be what it is." },
];
const SETTINGS = [
  { label: "Latency threshold, ms", path: "latency", send: "threshold", get: (s) => s.latency_threshold_ms },
  { label: "Percentile, fraction", path: "percentile", send: "percentile", get: (s) => s.percentile_value },
  { label: "Window, calls", path: "latency-window-size", send: "size", get: (s) => s.latency_window_size },
  { label: "Wait, s", path: "wait", send: "wait_time", get: (s) => s.wait_time_seconds },
  { label: "Memory threshold, %", path: "memory", send: "threshold", get: (s) => s.memory_threshold_percent },
  { label: "Trend analysis", path: "trend-analysis", send: "enabled", get: (s) => s.trend_analysis_enabled },
];

const $ = (id) => document.getElementById(id);
const page = {
  selected: new URLSearchParams(location.search).get("breaker") || "default",
  lastAnswer: 0,
  history: new Map(), // breaker -> [{at, value, limit}]
  trips: new Map(), // breaker -> [at]
  events: [],
  problems: [],
  paging: null,
};

function element(tag, text, className) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

async function ask(path, options = {}) {
  const response = await fetch(path, { headers: { "Content-Type": "application/json" }, ...options });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.detail || `${path} answered ${response.status}`);
  return answer;
}

const breakerPath = (path) => `/breakers/${encodeURIComponent(page.selected)}/${path}`;

// --- what is asked

async function poll() {
  try {
    const { breakers } = await ask("/breakers");
    if (!breakers.some((breaker) => breaker.name === page.selected)) page.selected = breakers[0].name;
    const [status, alerts, paging] = await Promise.all([
      ask(breakerPath("status")),
      ask("/alerts?limit=20").catch(() => ({ alerts: [] })),
      ask(breakerPath("opsgenie/status")).catch(() => ({ paging: false, problems: ["this process has no alerting: nobody is being paged"] })),
    ]);
    page.lastAnswer = Date.now();
    showBreakers(breakers);
    showStatus(status);
    showAlerts(alerts.alerts);
    page.problems = problemsOf(status, paging);
  } catch (error) {
    if (Date.now() - page.lastAnswer > STALE_MS) page.lost = String(error.message || error);
  }
  showBanners();
  setTimeout(poll, POLL_MS);
}

function follow() {
  const source = new EventSource("/events");
  source.onmessage = (message) => {
    const event = JSON.parse(message.data);
    page.events.unshift(event);
    page.events.length = Math.min(page.events.length, EVENTS_KEPT);
    if (event.type === "Transition" && event.to_state === "OPEN") {
      page.trips.set(event.breaker, [...(page.trips.get(event.breaker) || []), event.at * 1000].slice(-50));
    }
    showEvents();
  };
}

function problemsOf(status, paging) {
  const found = [];
  for (const problem of paging.problems) found.push({ text: problem, bad: problem.includes("nobody is being paged") });
  if (status.config && !status.config.last_reload_successful) {
    found.push({ text: `The configuration file is refused, the old one goes on: ${status.config.problems.join("; ")}`, bad: true });
  }
  return found;
}

// --- what is shown

function showBreakers(breakers) {
  const wanted = JSON.stringify([page.selected, breakers.map((b) => [b.name, b.state])]);
  if ($("breakers").dataset.shown === wanted) return;
  $("breakers").dataset.shown = wanted;
  $("breakers").replaceChildren(...breakers.map((breaker) => {
    const button = element("button");
    button.append(element("span", "", `dot ${TONES[breaker.state]}`), `${breaker.name} ${breaker.state}`);
    button.setAttribute("aria-current", String(breaker.name === page.selected));
    button.onclick = () => {
      page.selected = breaker.name;
      history.replaceState(null, "", `?breaker=${encodeURIComponent(breaker.name)}`);
      $("settings").dataset.breaker = "";
    };
    return button;
  }));
}

function showStatus(status) {
  $("name").textContent = status.name;
  $("state").textContent = status.state.replace("_", " ");
  $("state").className = `badge ${TONES[status.state]}`;
  $("drill").hidden = !status.drill;
  document.title = `${status.state} ${status.name} – breakerd`;
  $("why").textContent = why(status);
  $("next").textContent = next(status);
  showFigures(status);
  showSettings(status);
  remember(status);
}

function why(status) {
  if (status.state === "OBSERVE" && status.would_be_state !== "CLOSED") return `Would be ${status.would_be_state}: ${reasonOf(status)}`;
  if (["OPEN", "HALF_OPEN", "FORCED_OPEN"].includes(status.state)) return reasonOf(status);
  if (!status.latency_ok) return "Latency is above its threshold; its trend does not speak for opening.";
  return "";
}

function reasonOf(status) {
  const sentences = status.evidence.map((evidence) => evidence.sentence);
  const said = sentences.join("; ") || status.note || status.reason || "";
  const since = status.last_trip_time ? ` Tripped ${new Date(status.last_trip_time).toLocaleTimeString()}.` : "";
  return `${said}.${since}`;
}

function next(status) {
  const recovery = status.recovery;
  if (status.state === "FORCED_OPEN") return "Stays open until somebody resets it.";
  if (!recovery) return "";
  if (!status.memory_ok) return "Stays open until memory falls below its threshold.";
  if (recovery.phase === "wait") return `Sends probes in ${Math.ceil(recovery.seconds_left)} s.`;
  if (recovery.phase === "probes") return `Waits for probes: ${recovery.probes_in_flight} under way.`;
  return `Lets in ${Math.round(recovery.share * 100)} % of the calls, then more.`;
}

function showFigures(status) {
  const rows = [
    [`p${+(status.percentile_value * 100).toPrecision(6)} latency`, `${status.current_percentile_ms} ms of ${status.latency_threshold_ms} ms`, status.latency_percent_of_threshold],
    ["Trend", status.trend ? `${status.trend}, ${status.trend_slope_percent_per_call} % a call` : "no calls"],
    ["Errors", `${(status.error_rate * 100).toFixed(1)} %${status.error_threshold === null ? "" : ` of ${status.error_threshold * 100} %`}`],
    ["Memory", status.memory_known ? `${status.memory_usage_percent} % of ${status.memory_threshold_percent} %` : "unknown",
      status.memory_known ? (status.memory_usage_percent / status.memory_threshold_percent) * 100 : undefined],
    ["In flight", String(status.in_flight)],
    ["Calls", `${status.calls.success} good, ${status.calls.error} failed, ${status.calls.rejected} rejected`],
    ["Configuration", status.config ? status.config.file : "embedded defaults"],
  ];
  $("figures").replaceChildren(...rows.flatMap(([name, value, share]) => {
    const shown = element("dd", value);
    if (share !== undefined) shown.append(gauge(name, share));
    return [element("dt", name), shown];
  }));
}

function gauge(name, share) {
  const meter = element("meter");
  Object.assign(meter, { min: 0, max: 150, high: 100, optimum: 0, value: share });
  meter.setAttribute("aria-label", `${name}: ${Math.round(share)} % of the threshold`);
  return meter;
}

function remember(status) {
  const kept = page.history.get(status.name) || [];
  kept.push({ at: Date.now(), value: status.current_percentile_exact_ms, limit: status.latency_threshold_ms });
  page.history.set(status.name, kept.slice(-HISTORY));
  drawChart($("chart"), kept, page.trips.get(status.name) || []);
  $("chart-legend").textContent = `Last ${Math.max(1, Math.round((kept.at(-1).at - kept[0].at) / 60000))} min. Dashed: the threshold, ${status.latency_threshold_ms} ms. Red bars: trips.`;
}

function showAlerts(alerts) {
  if (!alerts.length) return $("alerts").replaceChildren(element("li", "No incident so far."));
  return $("alerts").replaceChildren(...alerts.map((alert) => {
    const row = element("li");
    const open = alert.phase !== "closed";
    row.append(element("strong", `${alert.priority} ${alert.phase} `, open ? "bad" : "good"), alert.message);
    const told = !alert.told ? "not told yet" : alert.receiver === "log" ? "in the log only" : `told ${alert.receiver}`;
    const escalates = alert.escalates_at ? `, escalates in ${Math.max(0, Math.round(alert.escalates_at - Date.now() / 1000))} s` : "";
    const gone = alert.given_up ? `, given up: ${alert.given_up}` : "";
    row.append(element("br"), element("small", `${clock(alert.opened_at)}, ${told}${escalates}${gone}`));
    return row;
  }));
}

function showEvents() {
  $("events").replaceChildren(...page.events.map((event) => {
    const row = element("li");
    const time = element("time", `${clock(event.at)} `);
    const tone = event.to_state ? TONES[event.to_state] : "";
    row.append(time, element("strong", `${event.breaker} `, tone), describe(event));
    return row;
  }));
}

function describe(event) {
  const sentences = (Array.isArray(event.evidence) ? event.evidence : event.evidence ? [event.evidence] : []).map((e) => e.sentence);
  const because = sentences.join("; ") || event.note || event.reason || "";
  const drill = event.drill ? " (drill)" : "";
  switch (event.type) {
    case "Transition": return `${event.from_state} → ${event.to_state}: ${because}${drill}`;
    case "WouldTransition": return `would go ${event.from_state} → ${event.to_state}: ${because}`;
    case "ThresholdBreached": return `${event.signal} above its threshold: ${because}${drill}`;
    case "ThresholdCleared": return `${event.signal} good again`;
    case "RecoveryStep": return `lets in ${Math.round(event.share * 100)} % of the calls`;
    case "SettingsChanged": return `changed: ${Object.keys(event.changed).join(", ")}`;
    case "EventsMissed": return `${event.count} events missed`;
    default: return event.type;
  }
}

const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString();

function showBanners() {
  const stale = Date.now() - page.lastAnswer > STALE_MS;
  document.body.classList.toggle("stale", stale);
  const banners = stale
    ? [{ text: `No answer since ${page.lastAnswer ? new Date(page.lastAnswer).toLocaleTimeString() : "the page was opened"}. What is shown is old.`, bad: true }]
    : page.problems;
  const wanted = JSON.stringify(banners);
  if ($("banners").dataset.shown !== wanted) {
    $("banners").dataset.shown = wanted;
    $("banners").replaceChildren(...banners.map((banner) => element("p", banner.text[0].toUpperCase() + banner.text.slice(1), banner.bad ? "bad" : "")));
  }
  $("age").textContent = page.lastAnswer ? `as of ${new Date(page.lastAnswer).toLocaleTimeString()}` : "";
}

// --- what is done

function showActions() {
  $("actions").replaceChildren(...ACTIONS.map((action) => {
    const button = element("button", action.label);
    button.onclick = () => confirmThen(action);
    return button;
  }));
}

function confirmThen(action) {
  const dialog = $("confirm");
  $("confirm-title").textContent = `${action.label}: ${page.selected}?`;
  $("confirm-text").textContent = action.text;
  $("confirm-reason-label").hidden = !action.reason;
  $("confirm-reason").value = "";
  dialog.returnValue = "";
  dialog.onclose = () => {
    if (dialog.returnValue === "ok") post(action.path, action.reason ? { reason: $("confirm-reason").value } : action.body);
  };
  dialog.showModal();
}

async function post(path, body) {
  try {
    const answer = await ask(breakerPath(path), { method: "POST", body: body === undefined ? undefined : JSON.stringify(body) });
    toast(answer.message);
    $("settings").dataset.breaker = "";
  } catch (error) {
    toast(error.message);
  }
}

function showSettings(status) {
  const form = $("settings");
  if (form.dataset.breaker === status.name) return;
  form.dataset.breaker = status.name;
  form.replaceChildren(...SETTINGS.map((setting) => settingRow(setting, setting.get(status))));
}

function settingRow(setting, value) {
  const row = element("label", setting.label);
  const boolean = typeof value === "boolean";
  const input = element(boolean ? "select" : "input");
  if (boolean) input.append(new Option("on", "true"), new Option("off", "false"));
  else input.inputMode = "decimal";
  input.value = String(value);
  const button = element("button", "Set");
  button.setAttribute("aria-label", `Set ${setting.label}`);
  button.type = "button";
  button.onclick = () => post(setting.path, { [setting.send]: parsed(input.value) });
  row.append(input, button);
  return row;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text; // the service says what is wrong with it
  }
}

let toastTimer;
function toast(text) {
  $("toast").textContent = text;
  $("toast").hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { $("toast").hidden = true; }, 8000);
}

$("settings").onsubmit = (event) => event.preventDefault();
showActions();
showEvents();
follow();
poll();
