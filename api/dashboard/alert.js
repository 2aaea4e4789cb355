// Show one incident in full, with the time of everything: the one that the address names (#alert=ID).
import { byId, fill, make, say } from "./element.js";
import { get, getText, serviceNow } from "./service.js";
import { duration, moment } from "./words.js";

const LINK = /^#alert=([^&]+)$/;

// Call `refresh` when the address names another alert; followToken must have taken the token out.
export function followAlert(refresh) {
  window.addEventListener("hashchange", refresh);
  byId("alert-report").onclick = downloadReport;
  byId("alert-close").onclick = () => {
    history.replaceState(null, "", location.pathname + location.search);
    refresh();
  };
}

// A download, and no link: the token goes into a header, and this page's policy would not let the report's style in.
async function downloadReport() {
  const id = linkedId();
  say(byId("alert-report-problem"), "");
  try {
    const page = await getText(`alerts/${encodeURIComponent(id)}/report?format=html`);
    const link = make("a", "");
    link.href = URL.createObjectURL(new Blob([page], { type: "text/html" }));
    link.download = `incident-${id}.html`;
    link.click();
    URL.revokeObjectURL(link.href);
  } catch (error) {
    say(byId("alert-report-problem"), `It cannot be downloaded: ${error.message}`);
  }
}

export const linkTo = (id) => `#alert=${encodeURIComponent(id)}`;

function linkedId() {
  try {
    return decodeURIComponent(LINK.exec(location.hash)?.[1] ?? "");
  } catch {
    return "";
  }
}

let shown = "";

// Read the incident and show it; `locked`: there is no token to read it with.
export async function showAlert(locked) {
  const id = linkedId();
  byId("alert").hidden = !id;
  if (!id) {
    shown = "";
    return;
  }
  const alert = locked ? { problem: "needs a token to be shown." } : await get(`alerts/${encodeURIComponent(id)}`).catch((error) => ({ problem: `cannot be shown: ${error.message}` }));
  if (id !== linkedId()) return; // another one was chosen meanwhile
  say(byId("alert-title"), alert.problem ? `Alert ${id} ${alert.problem}` : `${alert.priority} ${alert.message}`);
  const rows = alert.problem ? [] : rowsOf(alert);
  byId("alert-report").disabled = Boolean(alert.problem);
  fill(byId("alert-rows"), rows, () => rows.flatMap(([name, text]) => [make("dt", "", name), make("dd", "", text)]));
  if (shown !== id) byId("alert").scrollIntoView({ block: "nearest" });
  shown = id;
}

function rowsOf(alert) {
  const now = serviceNow();
  const at = (seconds) => moment(seconds, now);
  const rows = [["state", `${alert.phase}${alert.drill ? ", a drill" : ""}${alert.acknowledged ? ", acknowledged" : ""}`]];
  rows.push(["since", at(alert.opened_at)]);
  if (alert.closed_at) rows.push(["closed", `${at(alert.closed_at)}, after ${duration(alert.closed_at - alert.opened_at)}`]);
  if (alert.held_by) rows.push(["held back", alert.held_by]);
  for (const hold of alert.holds) rows.push(["was held", `${at(hold.since)} to ${hold.until ? at(hold.until) : "now"}: ${hold.by}`]);
  for (const [time, priority] of alert.stage_times) rows.push(["stage", `${at(time)}: ${priority}`]);
  if (alert.escalates_at) rows.push(["next stage", at(alert.escalates_at)]);
  for (const [name, each] of Object.entries(alert.members)) rows.push(["breaker", `${name}: ${each.kind} since ${at(each.since)}${each.recovered ? ", well again" : ""}${each.held_by ? `, held back: ${each.held_by}` : ""}`]);
  for (const [name, each] of Object.entries(alert.deliveries)) rows.push(["receiver", `${name}: ${receipt(each, at)}`]);
  for (const note of alert.notes) rows.push(["note", `${at(note.at)}: ${note.text}`]);
  if (alert.composed_at) rows.push(["text of", at(alert.composed_at)]); // its ages and "in 3 min" count from then
  rows.push(["alert", alert.content.description]);
  return rows.filter(([, text]) => text);
}

function receipt(each, at) {
  const parts = [each.told ? `told ${at(each.at)}, ${each.priority}` : "not told"];
  if (each.acknowledged) parts.push("acknowledged");
  if (each.closed_manually_at) parts.push(`closed by people ${at(each.closed_manually_at)}`);
  else if (each.told && each.closed) parts.push("closed");
  if (each.dead_letter_reason) parts.push(`dead letter: ${each.dead_letter_reason}`);
  else if (each.attempts) parts.push(`${each.attempts} attempts failed`);
  return parts.join(", ");
}
