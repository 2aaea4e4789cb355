// Show what must not be overlooked across the top.
import { byId, fill, make, say } from "./element.js";
import { capital, duration } from "./words.js";

const STALE_MS = 5000;

const opened = Date.now();
const answers = { last: null, problem: "", refused: false, banners: [] };

export function noteAnswer(status, alerting) {
  const doubts = alerting.problem ? [{ text: alerting.problem, tone: "warn" }] : [];
  const banners = [...partBanners(status), ...pagingBanners(status), ...doubts, ...fileBanners(status)];
  Object.assign(answers, { last: Date.now(), problem: "", refused: false, banners });
}

export function noteFailure(error) {
  answers.problem = error.message;
  answers.refused = Boolean(error.needsToken);
}

// To be called periodically, because data grows old.
export function showBanners() {
  const age = Date.now() - (answers.last ?? opened);
  const waiting = answers.refused && !answers.last; // for a token, and the page says so
  const stale = age > STALE_MS && !waiting;
  document.body.classList.toggle("stale", stale);
  document.body.classList.toggle("blind", waiting);
  if (stale) document.title = "No answer - breakerd";
  if (waiting) document.title = "Token needed - breakerd";
  const banners = stale ? [lost(), ...answers.banners] : answers.banners;
  fill(byId("banners"), banners, () => banners.map(({ text, tone }) => make("p", `banner ${tone}`, capital(text))));
  const time = answers.last && new Date(answers.last).toLocaleTimeString();
  say(byId("age"), !time ? "" : stale ? `${duration(age / 1000)} old` : `as of ${time}`);
}

function lost() {
  if (answers.refused) return { text: "The page shows old data, because the service asks for a token.", tone: "bad" };
  const why = answers.problem ? ` (${answers.problem})` : "";
  const since = answers.last
    ? `Connection lost: no answer since ${new Date(answers.last).toLocaleTimeString()}${why}. The page shows old data.`
    : `No answer since this page was opened${why}.`;
  return { text: since, tone: "bad" };
}

function pagingBanners({ paging, paging_problems: problems, not_running: parts }) {
  const told = Object.values(parts);
  return problems.filter((text) => !told.includes(text)).map((text) => ({ text, tone: paging ? "warn" : "bad" }));
}

function partBanners({ not_running: parts }) {
  return Object.entries(parts).map(([part, why]) => (
    { text: `Not running in this process: ${part}. ${capital(why)}`, tone: part === "alerting" ? "bad" : "warn" }));
}

function fileBanners({ config }) {
  if (!config) return [];
  const banners = [];
  if (!config.last_reload_successful) {
    banners.push({ text: `The configuration file is rejected, the previous one stays in force: ${config.problems.join("; ")}`, tone: "bad" });
  }
  if (config.watch_problem) {
    banners.push({ text: `Edits of the configuration file are not seen: ${config.watch_problem}.`, tone: "bad" });
  }
  const differing = (config.drift ?? []).filter(({ cause }) => cause !== "refused");
  if (differing.length) {
    const told = differing.map(({ key, cause }) => `${key || "the file"} (${cause})`);
    banners.push({ text: `In force and not in the configuration file: ${told.join(", ")}.`, tone: "warn" });
  }
  return banners;
}
