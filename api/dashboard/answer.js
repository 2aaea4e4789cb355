// Show the service's response to the last action. An error stays until it is dismissed.
import { byId } from "./element.js";
import { capital } from "./words.js";

const SHOWN_MS = 8000;

let timer;

export function offerDismissal() {
  byId("answer-close").onclick = hide;
}

// Run `action`, show its response, and return true if it succeeded.
export async function showAnswer(action) {
  try {
    show((await action()).message, "");
    timer = setTimeout(hide, SHOWN_MS);
    return true;
  } catch (error) {
    show(capital(error.message), "bad");
    return false;
  }
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
