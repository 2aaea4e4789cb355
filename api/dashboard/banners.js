// Show what must not be overlooked across the top.
import { byId, fill, make, say } from "./element.js";
import { capital, duration } from "./words.js";

const STALE_MS = 5000;

const opened = Date.now();
const answers = { last: null, problem: "", banners: [] };

export function noteAnswer(status, alerting) {
  const doubts = alerting.problem ? [{ text: alerting.problem, tone: "warn" }] : [];
  Object.assign(answers, { last: Date.now(), problem: "", banners: [...pagingBanners(status), ...doubts, ...fileBanners(status)] });
}

export function noteFailure(error) {
  answers.problem = error.message;
}

// To be called periodically, because data grows old.
export function showBanners() {
  const age = Date.now() - (answers.last ?? opened);
  const stale = age > STALE_MS;
  document.body.classList.toggle("stale", stale);
  if (stale) document.title = "No answer - breakerd";
  const banners = stale ? [lost(), ...answers.banners] : answers.banners;
  fill(byId("banners"), banners, () => banners.map(({ text, tone }) => make("p", `banner ${tone}`, capital(text))));
  const time = answers.last && new Date(answers.last).toLocaleTimeString();
  say(byId("age"), !time ? "" : stale ? `${duration(age / 1000)} old` : `as of ${time}`);
}

function lost() {
  const why = answers.problem ? ` (${answers.problem})` : "";
  const since = answers.last
    ? `Connection lost: no answer since ${new Date(answers.last).toLocaleTimeString()}${why}. The page shows old data.`
    : `No answer since this page was opened${why}.`;
  return { text: since, tone: "bad" };
}

function pagingBanners({ paging, paging_problems: problems }) {
  return problems.map((text) => ({ text, tone: paging ? "warn" : "bad" }));
}

function fileBanners({ config }) {
  if (!config || config.last_reload_successful) return [];
  return [{ text: `The configuration file is rejected, the previous one stays in force: ${config.problems.join("; ")}`, tone: "bad" }];
}
