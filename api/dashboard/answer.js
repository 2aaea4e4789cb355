// Show the service's response to the last action. An error stays until it is dismissed.
import { byId } from "./element.js";
import { capital } from "./words.js";

const SHOWN_MS = 8000;
const MAX_NAMED = 10;

let timer;

export function offerDismissal() {
  byId("answer-close").onclick = hide;
}

// Run `action`, show its response, and return true if it succeeded.
export async function showAnswer(action) {
  try {
    show(told(await action()), "");
    timer = setTimeout(hide, SHOWN_MS);
    return true;
  } catch (error) {
    show(capital(error.message), "bad");
    return false;
  }
}

// A change of `default` is one of the root, which other breakers follow.
function told({ message, also_changes: also = [], fleet, shared }) {
  if (fleet) return `${message}: ${fleet.text}`;
  const more = also.length > MAX_NAMED ? ` and ${also.length - MAX_NAMED} more` : "";
  const others = also.length ? `Also changes: ${also.slice(0, MAX_NAMED).join(", ")}${more}` : "";
  return [message, others, shared && capital(shared.text)].filter(Boolean).join(". ");
}

function show(text, tone) {
  clearTimeout(timer);
  byId("answer-text").textContent = text;
  byId("answer").className = tone;
  byId("answer").hidden = false;
}

function hide() {
  byId("answer").hidden = true;
}
