// What may be done to a breaker, each after a question.
import { showAnswer } from "./answer.js";
import { byId, make } from "./element.js";
import { ofBreaker, post } from "./service.js";

const OPERATIONS = [
  { label: "Reset", path: "reset", body: { confirm: true }, text: "Closes it, ends drills, and forgets what it saw." },
  { label: "Trip", path: "trip", reason: true, risky: true, text: "Opens it now. It recovers in its usual way." },
  { label: "Force open", path: "force-open", reason: true, risky: true, text: "Rejects every call until somebody resets or enables it." },
  { label: "Observe", path: "observe", risky: true, text: "It goes on deciding and reporting, but rejects nothing, until somebody enables it." },
  { label: "Enable", path: "enabled", text: "Ends what an operator put in force, and resets it." },
  { label: "Disable", path: "disabled", risky: true, text: "Lets every call pass and decides nothing, until somebody enables it." },
];
const DRILLS = [
  { label: "Latency drill", path: "trigger-by-latency", text: "Really trips it by made-up slow calls. Callers are rejected, and on-call is paged, marked as a drill." },
  { label: "Memory drill", path: "trigger-by-memory", text: "Really trips it, as if all memory were used, until the drill is ended. Callers are rejected, and on-call is paged, marked as a drill." },
  { label: "End memory drill", path: "restore-memory-check", text: "Looks at the real memory again; recovery then goes its usual way." },
];

// `selected` tells the breaker that is shown, `refresh` looks at it again.
export function offerActions(selected, refresh) {
  const button = (action) => {
    const made = make("button", action.risky ? "risky" : "", action.label);
    made.type = "button";
    made.onclick = () => ask(action, selected(), refresh);
    return made;
  };
  byId("operations").append(...OPERATIONS.map(button));
  byId("drills").append(...DRILLS.map(button));
  byId("confirm-cancel").onclick = () => byId("confirm").close();
}

function ask(action, name, refresh) {
  byId("confirm-title").textContent = `${action.label}: ${name}?`;
  byId("confirm-text").textContent = action.text;
  byId("confirm-reason-label").hidden = !action.reason;
  byId("confirm-reason").value = "";
  // The breaker that was asked about, whatever is shown by then.
  byId("confirm-form").onsubmit = () => act(action, name, byId("confirm-reason").value.trim(), refresh);
  byId("confirm").showModal();
}

async function act(action, name, reason, refresh) {
  const body = action.reason && reason ? { reason } : action.body;
  await showAnswer(() => post(ofBreaker(name, action.path), body));
  refresh();
}
