// Incidents: what was told to whom, and what comes next.
import { byId, fill, make, say } from "./element.js";
import { serviceNow } from "./service.js";
import { clock, duration, moment } from "./words.js";

export function showAlerts({ status, alerts, silences }) {
  say(byId("told"), told(status));
  const open = alerts.filter(({ phase }) => phase !== "closed");
  const closed = alerts.filter(({ phase }) => phase === "closed");
  say(byId("alerts-title"), open.length ? `Alerts: ${open.length} open` : "Alerts");
  fill(byId("silences"), silences, () => silences.map(silenceRow));
  const rows = [...open, ...closed].map((alert) => ({ ...alert, story: story(alert) }));
  fill(byId("alerts"), rows, () => (rows.length ? rows.map(alertRow) : [make("li", "faint", "No incidents.")]));
}

function told(status) {
  if (!status.paging || !status.api_url) return "";
  const team = status.team ? `, team ${status.team}` : "";
  return `OpsGenie (${status.region}) is told${team}.`;
}

function alertRow(alert) {
  const tone = alert.phase === "closed" ? "good" : alert.phase === "quiet" ? "warn" : "bad";
  const row = make("li", "", make("strong", tone, `${alert.priority} ${alert.phase} `), alert.message);
  row.append(make("small", "", alert.story));
  if (alert.notes.length) row.append(make("small", "", alert.notes.at(-1)));
  return row;
}

function story(alert) {
  const now = serviceNow();
  const parts = [`${moment(alert.opened_at, now)}, ${lasted(alert, now)}`];
  if (alert.drill) parts.push("drill");
  if (alert.episodes > 1) parts.push(`${alert.episodes} times open`);
  parts.push(reached(alert, now));
  if (alert.escalates_at) parts.push(`escalates in ${duration(alert.escalates_at - now)}`);
  return parts.join(" · ");
}

function lasted(alert, now) {
  const span = duration((alert.closed_at ?? now) - alert.opened_at);
  return alert.closed_at ? `lasted ${span}` : `for ${span}`;
}

function reached(alert, now) {
  if (alert.given_up) return `given up: ${alert.given_up}`;
  if (alert.told && alert.receiver === "log") return "written into the log only, nobody paged";
  if (alert.closed_there && !alert.told) return "nobody was told: it was over first";
  if (alert.told) return `told ${alert.receiver}${alert.closed_there ? ", closed there" : ""}`;
  if (alert.not_before > now) return `held back until ${clock(alert.not_before)}`;
  return `not told yet${alert.attempts ? `, ${alert.attempts} attempts failed` : ""}`;
}

function silenceRow(silence) {
  const row = make("li", "", make("strong", "warn", "Silenced "), `${silence.breaker}, kind ${silence.kind}: ${silence.reason}`);
  row.append(make("small", "", `until ${moment(silence.ends_at, serviceNow())}, by ${silence.author}`));
  return row;
}
