// Operate a breaker; each action needs a confirmation.
import { showAnswer } from "./answer.js";
import { byId, make } from "./element.js";
import { ofBreaker, post } from "./service.js";

const OPERATIONS = [
  { label: "Reset", path: "reset", body: { confirm: true }, text: "Closes the breaker, ends drills, and clears the window." },
  { label: "Trip", path: "trip", reason: true, risky: true, text: "Opens the breaker now. Recovery follows as usual." },
  { label: "Force open", path: "force-open", reason: true, risky: true, text: "Rejects every call until the breaker is reset or enabled." },
  { label: "Observe", path: "observe", risky: true, text: "Decides and reports, but rejects nothing, until the breaker is enabled." },
  { label: "Enable", path: "enabled", text: "Ends an operator's override, and resets the breaker." },
  { label: "Disable", path: "disabled", risky: true, text: "Lets every call pass and decides nothing, until the breaker is enabled." },
];
const DRILLS = [
  { label: "Latency drill", path: "trigger-by-latency", text: "Trips the breaker by simulated slow calls. Calls are rejected and on-call is paged, both for real; status and alerts are marked as a drill." },
  { label: "Memory drill", path: "trigger-by-memory", text: "Trips the breaker as if all memory were used, until the drill is ended. Calls are rejected and on-call is paged, both for real; status and alerts are marked as a drill." },
  { label: "Page drill", path: "drill-page", text: "Pages on-call through all receivers as a P1, marked as a drill, and closes the alert after 60 s. No call is touched." },
  { label: "End memory drill", path: "restore-memory-check", text: "Checks the real memory again. Recovery follows as usual." },
];

// `selected` returns the name of the breaker that is shown; `refresh` reads its status again.
export function offerActions(selected, refresh) {
  const button = (action) => {
    const made = make("button", action.risky ? "risky" : "", action.label);
    made.type = "button";
    made.onclick = () => confirmed(action, selected(), refresh);
    return made;
  };
  byId("operations").append(...OPERATIONS.map(button));
  byId("drills").append(...DRILLS.map(button));
  byId("confirm-cancel").onclick = () => byId("confirm").close();
}

// Do an action after it was confirmed.
export function confirmed(action, name, refresh) {
  byId("confirm-title").textContent = `${action.label}: ${name}?`;
  byId("confirm-text").textContent = action.text;
  byId("confirm-reason-label").hidden = !action.reason;
  byId("confirm-reason").value = "";
  // Act on the breaker in the question, even if another one is shown by then.
  byId("confirm-form").onsubmit = () => act(action, name, byId("confirm-reason").value.trim(), refresh);
  byId("confirm").showModal();
}

async function act(action, name, reason, refresh) {
  const body = action.reason && reason ? { reason } : action.body;
  await showAnswer(() => post(ofBreaker(name, action.path), body));
  refresh();
}
