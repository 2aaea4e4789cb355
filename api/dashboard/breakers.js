// List all breakers with their states; a click selects one.
import { byId, make, say } from "./element.js";
import { STATES, inProcesses, stateWord } from "./words.js";

const buttons = new Map();

export function showBreakers(breakers, selected, select) {
  for (const name of buttons.keys()) {
    if (!breakers.some((breaker) => breaker.name === name)) remove(name);
  }
  for (const breaker of breakers) {
    const button = buttons.get(breaker.name) || add(breaker.name, select);
    button.firstChild.className = `dot ${STATES[breaker.state]}`;
    say(button.lastChild, `${breaker.name} ${stateWord(breaker.state)}${because(breaker)}`);
    button.setAttribute("aria-current", String(breaker.name === selected));
  }
}

function because({ state, reason, drill, members }) {
  const why = state !== "CLOSED" && reason ? `: ${reason}` : "";
  const where = inProcesses(members);
  return why + (drill ? " (drill)" : "") + (where ? ` · ${where}` : "");
}

function add(name, select) {
  const button = make("button", "", make("span", "dot"), make("span"));
  button.type = "button";
  button.onclick = () => select(name);
  buttons.set(name, button);
  byId("breakers").append(button);
  return button;
}

function remove(name) {
  buttons.get(name).remove();
  buttons.delete(name);
}
