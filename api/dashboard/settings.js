// Show the settings in force, and edit the most common ones, in the breaker and in its file.
import { showAnswer } from "./answer.js";
import { byId, fill, make, say } from "./element.js";
import { get, ofBreaker, post } from "./service.js";
import { access } from "./token.js";

const EDITABLE = [
  { label: "Latency threshold, ms", path: "latency", key: "threshold", of: (status) => status.latency_threshold_ms },
  { label: "Percentile, 0.95 or 95", path: "percentile", key: "percentile", of: (status) => status.percentile_value },
  { label: "Window size, calls", path: "latency-window-size", key: "size", of: (status) => status.latency_window_size },
  { label: "Wait before probes, s", path: "wait", key: "wait_time", of: (status) => status.wait_time_seconds },
  { label: "Memory threshold, %", path: "memory", key: "threshold", of: (status) => status.memory_threshold_percent },
  { label: "Trend analysis", path: "trend-analysis", key: "enabled", of: (status) => status.trend_analysis_enabled },
];

let shown = { name: null, rows: [] };

export function showSettings(status, refresh) {
  if (shown.name !== status.name) {
    shown = { name: status.name, rows: EDITABLE.map((setting) => new Row(setting, setting.of(status), status.name, refresh)) };
    byId("settings").replaceChildren(...shown.rows.map((row) => row.form));
  }
  for (const row of shown.rows) row.update(status);
  if (byId("all").open) showAll(status.name);
}

// A setting with its field, which shows the value in force, or a typed value that was not sent.
class Row {
  constructor(setting, value, name, refresh) {
    this.setting = setting;
    this.inForce = String(value);
    this.input = typeof value === "boolean" ? choice() : field();
    this.input.value = this.inForce;
    this.input.oninput = () => this.mark();
    this.note = make("small");
    const set = make("button", "", "Set");
    set.setAttribute("aria-label", `Set ${setting.label}`);
    this.form = make("form", "setting", make("label", "", make("span", "", setting.label), this.input), set, this.note);
    this.form.onsubmit = (event) => {
      event.preventDefault();
      this.send(name, refresh);
    };
  }

  update(status) {
    const value = String(this.setting.of(status));
    if (value !== this.inForce && this.input.value === this.inForce) this.input.value = value;
    this.inForce = value;
    this.mark();
  }

  mark() {
    say(this.note, this.input.value === this.inForce ? "" : `not set; in force: ${this.inForce}`);
  }

  async send(name, refresh) {
    const sent = this.input.value;
    const done = await showAnswer(() => post(ofBreaker(name, this.setting.path), { [this.setting.key]: parsed(sent) }));
    // From now on show the value in force, which may be formatted differently.
    if (done && this.input.value === sent) this.inForce = sent;
    refresh();
  }
}

function choice() {
  const select = make("select");
  select.append(new Option("on", "true"), new Option("off", "false"));
  return select;
}

function field() {
  const input = make("input");
  input.inputMode = "decimal";
  input.autocomplete = "off";
  return input;
}

// Send what is not JSON as text; the service explains best what is wrong with it.
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

async function showAll(name) {
  if (access.needed) fill(byId("all-settings"), [], () => []);
  const settings = access.needed ? null : await get(ofBreaker(name, "config")).catch(() => null);
  if (!settings || shown.name !== name) return;
  const rows = leaves(settings);
  fill(byId("all-settings"), rows, () => rows.flatMap(([key, value]) => [make("dt", "", key), make("dd", "", value)]));
}

function leaves(table, prefix = "") {
  return Object.entries(table).flatMap(([key, value]) => (
    value !== null && typeof value === "object" && !Array.isArray(value)
      ? leaves(value, `${prefix}${key}.`)
      : [[prefix + key, value === null ? "not set" : JSON.stringify(value)]]));
}
