// List the events since the page was opened, newest first.
import { byId, fill, make, say } from "./element.js";
import { serviceNow } from "./service.js";
import { STATES, clock, percent, sentences, stateWord } from "./words.js";

const KEPT = 100;

const events = [];
const states = new Map(); // breaker -> {state, changedAt}

export function noteEvent(event) {
  events.unshift(event);
  events.length = Math.min(events.length, KEPT);
  if (event.type === "Transition") states.set(event.breaker, { state: event.to_state, changedAt: event.at });
  showEvents();
}

// Without live events, derive transitions from the polled states.
export function noteStates(breakers, live) {
  for (const { name, state, reason, drill } of breakers) {
    const before = states.get(name)?.state;
    if (before === state) continue;
    if (before === undefined) states.set(name, { state, changedAt: null });
    else if (!live) noteEvent({ type: "Transition", breaker: name, at: serviceNow(), from_state: before, to_state: state, reason, drill, evidence: [] });
  }
  say(byId("events-note"), live === false ? "Not live: only transitions are shown, polled once a second." : "");
  showEvents();
}

// Return when the breaker entered `state`, in seconds; null if that was not observed.
export function changedAt(name, state) {
  const known = states.get(name);
  return known?.state === state ? known.changedAt : null;
}

function showEvents() {
  fill(byId("events"), events, () => (events.length ? events.map(row) : [make("li", "faint", "None since this page was opened.")]));
}

function row(event) {
  const time = make("time", "", `${clock(event.at)} `);
  const name = make("strong", event.to_state ? STATES[event.to_state] : "", `${event.breaker} `);
  return make("li", "", time, name, words(event), event.drill ? " (drill)" : "");
}

function words(event) {
  switch (event.type) {
    case "Transition": return `${change(event)}${because(event)}`;
    case "CandidateTransition": return `candidate would go ${change(event)}${because(event)}`;
    case "CandidateSettled": return `promised promotion is ${event.outcome}${event.text ? `: ${event.text}` : ""}`;
    case "ShadowTransition": return `would go ${change(event)}${because(event)}`;
    case "ThresholdBreached": return `above its threshold: ${event.evidence.sentence}`;
    case "ThresholdCleared": return `${event.signal} back below its threshold: ${event.evidence.sentence}`;
    case "RecoveryStep": return `${event.forward ? "now" : "back to"} ${percent(event.share)} of the calls${evidenceOf(event)}`;
    case "SettingsChanged": return `settings changed: ${Object.entries(event.changed).map(changed).join(", ")}`;
    case "EventsMissed": return `${event.count} events missed`;
    default: return event.type;
  }
}

const change = (event) => `${stateWord(event.from_state)} → ${stateWord(event.to_state)}`;

function because(event) {
  const why = sentences(event.evidence) || event.note || event.reason;
  return why ? `: ${String(why).replaceAll("_", " ")}` : "";
}

const evidenceOf = (event) => (event.evidence.length ? `: ${sentences(event.evidence)}` : "");

const changed = ([name, [before, after]]) => `${name} ${JSON.stringify(before)} → ${JSON.stringify(after)}`;
