// Compare a candidate with the settings in force; promote it, or drop it.
import { confirmed } from "./actions.js";
import { byId, fill, make, say } from "./element.js";
import { serviceNow } from "./service.js";
import { duration, moment, number, percent } from "./words.js";

const PROMOTE = { label: "Promote", path: "promote", body: {}, risky: true, text: "Makes the candidate's settings those in force, in the file too." };
const CANCEL = { label: "Take back", path: "promote/cancel", text: "Takes back the promise to promote. The candidate stays." };
const DROP = { label: "Drop", path: "shadow/drop", risky: true, text: "Removes the candidate from the file. The settings in force stay." };
const MOST_TRIPS = 5;

export function showShadow({ name, shadow }, refresh) {
  byId("shadow").hidden = !shadow;
  if (!shadow) return;
  say(byId("shadow-state"), about(shadow));
  say(byId("shadow-summary"), shadow.summary);
  say(byId("shadow-promise"), promised(shadow));
  const settings = Object.entries(shadow.differences);
  fill(byId("shadow-settings"), settings, () => settings.map(([key, { active, candidate }]) => row(key, text(active), text(candidate))));
  const figures = figuresOf(shadow);
  fill(byId("shadow-figures"), figures, () => figures.map((cells) => row(...cells)));
  const trips = shadow.trips.slice(-MOST_TRIPS).reverse();
  fill(byId("shadow-trips"), trips, () => trips.map(trip));
  const actions = shadow.promise ? [CANCEL, PROMOTE, DROP] : [PROMOTE, DROP];
  fill(byId("shadow-actions"), [name, actions], () => actions.map((action) => button(action, name, refresh)));
}

function about({ state, since, seconds, scope }) {
  const where = scope === "host" ? "all processes of the host" : "the process that answers";
  return `Candidate ${state.toLowerCase().replace("_", " ")} · compared for ${duration(seconds)}, since ${moment(Date.parse(since) / 1000, serviceNow())}, in ${where}`;
}

function promised({ promise, last_promise }) {
  if (promise) {
    const condition = promise.condition ? `, if ${promise.condition}` : "";
    const by = promise.by ? ` (by ${promise.by})` : "";
    return `Promised: promotion at ${moment(Date.parse(promise.due) / 1000, serviceNow())}, in ${duration(promise.due_in_seconds)}${condition}${by}.`;
  }
  return last_promise ? `Last promise: ${last_promise.ending}${last_promise.text ? `: ${last_promise.text}` : ""}.` : "";
}

function figuresOf(shadow) {
  const { active, candidate } = shadow;
  const share = shadow.false_rejection_share;
  return [
    ["Trips", String(active.trips), String(candidate.trips)],
    ["Tripped after", seconds(active.detected_after_seconds), seconds(candidate.detected_after_seconds)],
    ["Earlier by", "", seconds(shadow.earlier_by_seconds)],
    ["Calls rejected", String(shadow.unseen_calls), String(shadow.would_reject)],
    ["Of these good", shadow.unseen_calls ? "unknown" : "", share === null ? String(shadow.false_rejections) : `${shadow.false_rejections} (${percent(share)} of all)`],
    ["Of these too slow", "", String(shadow.would_reject_slow)],
    ["Of these failed", "", String(shadow.would_reject_failed)],
    ["Calls compared", String(shadow.compared_calls), ""],
  ];
}

function trip({ at, side, reason, evidence, blind }) {
  const who = side === "active" ? "in force" : "candidate";
  const why = evidence.join("; ") || reason;
  const marked = blind ? " (while calls were rejected)" : "";
  return make("li", "", `${moment(Date.parse(at) / 1000, serviceNow())} ${who} tripped: ${why}${marked}`);
}

function button(action, name, refresh) {
  const made = make("button", action.risky ? "risky" : "", action.label);
  made.type = "button";
  made.onclick = () => confirmed(action, name, refresh);
  return made;
}

const text = (value) => (value === null ? "not set" : JSON.stringify(value));
const seconds = (value) => (value === null ? "" : `${number(value, 3)} s`);

function row(...cells) {
  return make("tr", "", ...cells.map((cell, index) => make(index ? "td" : "th", "", cell)));
}
