// Ask for the token where the service refuses a request without one.
import { byId, say } from "./element.js";
import { access, useToken } from "./token.js";
import { capital } from "./words.js";

const WHERE = "Paste the token: it is in var/token where the service runs, or in BREAKERD_TOKEN.";

export function offerToken() {
  byId("access").onsubmit = (event) => {
    event.preventDefault();
    const field = byId("token");
    useToken(field.value);
    field.value = "";
    showAccess();
  };
}

// `blind`: nothing at all is shown without a token.
export function showAccess(blind = false) {
  byId("access").hidden = !access.needed;
  byId("access-text").className = access.rejected ? "bad" : "";
  for (const note of document.querySelectorAll(".locked")) note.hidden = !access.needed;
  const why = access.rejected
    ? "the token was not accepted"
    : `${blind ? "everything here" : "alerts, silences, all settings, and changes"} need${blind ? "s" : ""} a token`;
  say(byId("access-text"), `${capital(why)}. ${WHERE}`);
}
