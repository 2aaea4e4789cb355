// Show the processes that share breakers, and the hub where they meet.
import { byId, fill, make, say } from "./element.js";
import { get } from "./service.js";
import { access } from "./token.js";
import { STATES, duration, number, processes, stateWord } from "./words.js";

const NOBODY = { hub: null, members: [], drift: [] };

// Without a token the page asks for one; a failure must not hide a breaker's state.
export async function getFleet() {
  if (access.needed) return NOBODY;
  try {
    return await get("fleet");
  } catch {
    return NOBODY;
  }
}

export function showFleet({ hub, members, member, drift }, status) {
  const shown = hub !== null && hub.kind !== "none";
  byId("fleet").hidden = !shown;
  if (!shown) return;
  const live = members.filter(({ silent }) => !silent).length;
  say(byId("fleet-title"), `Fleet: ${processes(live)}`);
  say(byId("hub"), hubText(hub));
  byId("hub").className = hub.up ? "good" : "bad";
  say(byId("fleet-breaker"), breakerText(status));
  const rows = members.map((each) => rowOf(each, status.name, member));
  fill(byId("members"), rows, () => rows.map(memberRow));
  byId("members-table").hidden = !rows.length;
  fill(byId("drift"), drift, () => drift.map(driftRow));
  byId("drift-table").hidden = !drift.length;
}

function hubText({ kind, name, up, problem, exchange_p50_seconds: half, exchange_p99_seconds: most }) {
  if (!up) return problem || "The hub does not answer.";
  const times = half === null ? "" : `, exchanges within ${milliseconds(half)}, 99 of 100 within ${milliseconds(most)}`;
  return `Hub ${kind}${name ? ` (${name})` : ""} answers${times}.`;
}

const milliseconds = (seconds) => `${number(seconds * 1000)} ms`;

function breakerText({ name, members, fleet, fleet_problem: problem }) {
  if (problem) return `${name} is shown as in the process that answers.`;
  if (!fleet) return `No process has called ${name} yet.`;
  const states = Object.entries(members).map(([state, count]) => `${stateWord(state)} in ${count}`);
  const silent = fleet.silent ? `, ${fleet.silent} silent` : "";
  const hosts = `${fleet.hosts} host${fleet.hosts === 1 ? "" : "s"}`;
  const worst = fleet.worst.map((each) => `${each.member}: ${each.failures} of ${each.calls} calls failed`);
  const told = worst.length ? ` Worst: ${worst.join("; ")}.` : "";
  return `${name}: ${states.join(", ")} of ${processes(fleet.processes)} on ${hosts}${silent}.${told}`;
}

function rowOf(member, breaker, self) {
  const state = (member.breakers[breaker] ?? "").toUpperCase();
  const seen = member.silent ? `silent for ${duration(member.age_seconds)}` : "reports";
  return {
    process: `${member.host} ${member.pid}${member.id === self ? " (answers)" : ""}`,
    what: [member.role, member.zone].filter(Boolean).join(", "),
    version: member.version,
    differs: member.settings_differ,
    seen,
    silent: member.silent,
    state,
  };
}

function memberRow({ process, what, version, differs, seen, silent, state }) {
  const settings = differs ? make("td", "warn", "differ") : make("td", "", "the same");
  return make(
    "tr", "",
    make("th", "", process), make("td", STATES[state] ?? "", state ? stateWord(state) : "not called"),
    make("td", silent ? "bad" : "", seen), settings, make("td", "", version), make("td", "", what),
  );
}

function driftRow({ key, own, fleet, by, since, reason }) {
  const cells = [valueText(fleet), by, new Date(since).toLocaleString()];
  return make(
    "tr", "",
    make("th", "", ...breakable(key), make("small", "", reason)), make("td", "warn", valueText(own)),
    ...cells.map((text) => make("td", "", text)),
  );
}

// Lines are broken after the dots and underscores of a key.
const breakable = (key) => key.split(/(?<=[._])/).flatMap((part) => [part, make("wbr")]);

const valueText = (value) => (value === null ? "not set" : JSON.stringify(value));
