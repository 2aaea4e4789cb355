// Show receivers, silences, and incidents with the delivery of their alerts.
import { linkTo } from "./alert.js";
import { byId, fill, make, say } from "./element.js";
import { serviceNow } from "./service.js";
import { duration, moment } from "./words.js";

export function showAlerts({ status, alerts, silences, locked }) {
  say(byId("paging"), pagingText(status));
  const receivers = (status.receivers ?? []).map((each) => [each.name, standing(each)]);
  fill(byId("receivers"), receivers, () => receivers.map(receiverRow));
  const open = alerts.filter(({ phase }) => phase !== "closed");
  const closed = alerts.filter(({ phase }) => phase === "closed");
  say(byId("alerts-title"), open.length ? `Alerts: ${open.length} open` : "Alerts");
  fill(byId("silences"), silences, () => silences.map(silenceRow));
  const rows = [...open, ...closed].map((alert) => ({ ...alert, story: story(alert) }));
  fill(byId("alerts"), [locked, rows], () => (rows.length || locked ? rows.map(alertRow) : [make("li", "faint", "No incidents.")]));
}

function pagingText(status) {
  if (!status.paging || !status.api_url) return "";
  const team = status.team ? `, team ${status.team}` : "";
  return `OpsGenie (${status.region}) is paged${team}.`;
}

function standing(receiver) {
  const now = serviceNow();
  const parts = [];
  if (receiver.fallback) parts.push("fallback");
  if (receiver.min_priority !== "P5") parts.push(`priority ${receiver.min_priority} and above`);
  if (receiver.refused) parts.push("rejects the key");
  else if (!receiver.reachable) parts.push("does not answer");
  if (receiver.pending) parts.push(`${receiver.pending} pending`);
  if (receiver.dead_letters) parts.push(`${receiver.dead_letters} dead letters`);
  if (receiver.last_success) parts.push(`last delivery ${moment(receiver.last_success, now)}`);
  if (receiver.last_heartbeat) parts.push(`heartbeat ${moment(receiver.last_heartbeat, now)}`);
  return { text: parts.join(" · "), ok: receiver.reachable && !receiver.refused && !receiver.dead_letters };
}

function receiverRow([name, { text, ok }]) {
  return make("li", "", make("strong", ok ? "good" : "bad", name), text ? ` ${text}` : "");
}

function alertRow(alert) {
  const tone = alert.phase === "closed" ? "good" : alert.phase === "resolving" ? "warn" : "bad";
  const link = make("a", "", alert.message);
  link.href = linkTo(alert.id);
  const row = make("li", "", make("strong", tone, `${alert.priority} ${alert.phase} `), link);
  row.append(make("small", "", alert.story));
  if (alert.notes.length) row.append(make("small", "", alert.notes.at(-1)));
  return row;
}

function story(alert) {
  const now = serviceNow();
  const parts = [`${moment(alert.opened_at, now)}, ${lasted(alert, now)}`];
  if (alert.drill) parts.push("drill");
  if (alert.episodes > 1) parts.push(`opened ${alert.episodes} times`);
  parts.push(delivery(alert));
  if (alert.escalates_at) parts.push(`escalates in ${duration(alert.escalates_at - now)}`);
  return parts.join(" · ");
}

function lasted(alert, now) {
  const span = duration((alert.closed_at ?? now) - alert.opened_at);
  return alert.closed_at ? `lasted ${span}` : `for ${span}`;
}

// Which receiver has the alert, at which priority; what holds it back, if nobody has it.
function delivery(alert) {
  const told = Object.entries(alert.deliveries).filter(([, each]) => each.told);
  const dead = Object.entries(alert.dead_letters).map(([name, reason]) => `dead letter at ${name}: ${reason}`);
  if (told.length && told.every(([name]) => name === "log")) return ["logged only, nobody paged", ...dead].join(", ");
  const parts = told.map(([name, each]) => `${name} ${each.priority}${each.closed ? " closed" : ""}`);
  if (parts.length || dead.length) return [...parts, ...dead].join(", ");
  if (alert.phase === "closed") return "nobody notified: it ended first";
  if (alert.held_by) return `held back: ${alert.held_by}`;
  return `not delivered yet${alert.attempts ? `, ${alert.attempts} attempts failed` : ""}`;
}

function silenceRow(silence) {
  const row = make("li", "", make("strong", "warn", "Silenced "), `${silence.matchers.join(", ") || "everything"}: ${silence.reason}`);
  row.append(make("small", "", `until ${moment(silence.ends_at, serviceNow())}, by ${silence.author}`));
  return row;
}
