// Show what is in force and not in the file, and the latest changes of the configuration.
import { byId, fill, make } from "./element.js";
import { get } from "./service.js";
import { access } from "./token.js";

const NOTHING = { configs: [], drift: [], problem: null };
const MOST_KEYS = 3;

// Without a token the page asks for one; a failure must not hide a breaker's state.
export async function getConfiguration() {
  if (access.needed) return NOTHING;
  try {
    const [{ drift }, { configs, problem }] = await Promise.all([get("config/drift"), get("config/history?limit=5")]);
    return { drift, configs, problem };
  } catch {
    return NOTHING;
  }
}

export function showConfiguration({ configs, drift, problem }) {
  byId("configuration").hidden = !configs.length && !drift.length;
  byId("config-drift-table").hidden = !drift.length;
  fill(byId("config-drift"), drift, () => drift.map(driftRow));
  fill(byId("configs"), configs, () => configs.map(configRow));
  const told = problem ? [`Nothing is noted now: ${problem}`] : [];
  fill(byId("configs-problem"), told, () => told);
}

function driftRow({ key, in_force: inForce, in_file: inFile, cause, text, by, at }) {
  const set = by ? ` (${by}${at ? `, ${new Date(at).toLocaleString()}` : ""})` : "";
  return make(
    "tr", "",
    make("th", "", ...breakable(key || "the file"), make("small", "", `${cause}: ${text}${set}`)),
    make("td", "warn", valueText(inForce)), make("td", "", valueText(inFile)),
  );
}

function configRow({ number, at, author, reason, changes, temporary, written }) {
  const marks = [temporary.length ? "temporary" : "", written ? "" : "not in the file"].filter(Boolean);
  const why = [reason, ...marks].filter(Boolean).join("; ");
  return make(
    "li", "",
    make("span", "", `${number}: `, ...breakable(changesText(changes))),
    make("small", "", ` ${author}, `, make("time", "", new Date(at).toLocaleString()), why ? `: ${why}` : ""),
  );
}

function changesText(changes) {
  if (changes === null) return "the first that is known";
  if (!changes.length) return "the same values";
  const told = changes.slice(0, MOST_KEYS).map(({ key, before, after, secret }) => (
    secret ? `${key} (a secret)` : `${key} ${valueText(before)} → ${valueText(after)}`));
  return told.join(", ") + (changes.length > MOST_KEYS ? `, and ${changes.length - MOST_KEYS} more` : "");
}

// Lines are broken after the dots and underscores of a key.
const breakable = (key) => key.split(/(?<=[._])/).flatMap((part) => [part, make("wbr")]);

const valueText = (value) => (value === null ? "not set" : JSON.stringify(value));
