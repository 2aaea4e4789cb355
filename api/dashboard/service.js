// Send requests to the service, and turn error responses into messages.
import { ROOT, access, headersWith, noteRefusal, presented } from "./token.js";

const READ_MS = 4000;
const WRITE_MS = 15000;
const PAGE_MS = 15000;
const NO_ALERTING = "urn:breakerd:problem:no-alerting";

// Seconds by which the service's clock is ahead of the browser's.
let ahead = 0;

export const serviceNow = () => Date.now() / 1000 + ahead;

class ErrorResponse extends Error {
  constructor(status, problem) {
    super(problem.detail || `the service answered ${status}`);
    this.noAlerting = problem.type === NO_ALERTING;
    this.needsToken = status === 401;
  }
}

export const get = (path) => request(path, {}, READ_MS);

export function post(path, body) {
  const json = body === undefined ? {} : { body: JSON.stringify(body) };
  const headers = { "Content-Type": "application/json" };
  return request(path, { method: "POST", headers, ...json }, WRITE_MS);
}

export const ofBreaker = (name, path) => `breakers/${encodeURIComponent(name)}/${path}`;

// A failure of alerting must not hide a breaker's state, so it is returned as a problem. Without
// alerting, the breaker's status says so; without a token, the page asks for one.
export async function getAlerting(name) {
  const nothing = { status: {}, alerts: [], silences: [], problem: "", locked: true };
  if (access.needed) return nothing;
  try {
    const [status, { alerts }, { silences }] = await Promise.all([
      get(ofBreaker(name, "opsgenie/status")), get("alerts?limit=30"), get("silences"),
    ]);
    return { status, alerts, silences };
  } catch (error) {
    if (error.needsToken) return nothing;
    const problem = error.noAlerting ? "" : `alerts cannot be shown: ${error.message}`;
    return { ...nothing, problem, locked: false };
  }
}

// Read what is no JSON, such as a page.
export const getText = async (path) => (await respond(path, {}, PAGE_MS)).text();

async function request(path, options, timeout) {
  const response = await respond(path, options, timeout);
  return response.json().catch(() => ({}));
}

async function respond(path, options, timeout) {
  const used = presented();
  const headers = { ...options.headers, ...headersWith(used) };
  const response = await reach(new URL(path, ROOT), { ...options, headers, signal: AbortSignal.timeout(timeout) });
  if (response.status === 401) noteRefusal(used);
  setClock(response.headers.get("Date"));
  if (!response.ok) throw new ErrorResponse(response.status, await response.json().catch(() => ({})));
  return response;
}

async function reach(url, options) {
  try {
    return await fetch(url, options);
  } catch (error) {
    const late = error.name === "TimeoutError";
    const doubt = options.method === "POST" ? "; it may have been executed" : "";
    throw new Error((late ? "the service did not answer in time" : "the service is unreachable") + doubt);
  }
}

function setClock(date) {
  const difference = Date.parse(date) / 1000 - Date.now() / 1000;
  // The header has whole seconds only, so a small difference is ignored.
  ahead = Math.abs(difference) > 2 ? difference : 0;
}
