// Keep the token of this tab: from the link that the service prints, or typed. It goes into a
// header of each request, and never into an address.

// The routes begin here, wherever the service or its host put them.
export const ROOT = new URL("../", import.meta.url);

const KEY = `breakerd token for ${ROOT.pathname}`;
// No header holds them.
const UNSENDABLE = /\p{C}/u;
// Beside it, a link may name an alert: see alert.js.
const LINK = /^#(?:(alert=[^&]*)&)?token=(.*?)(?:&(alert=[^&]*))?$/;

// `needed`: a request was refused for want of a token; `rejected`: the last token was not valid.
export const access = { needed: false, rejected: false };

let token = stored() ?? "";
let changed = () => {};

// Take the token out of the address, now and whenever a link is pasted; call `onChange` for a new one.
export function followToken(onChange) {
  takeFromAddress();
  changed = onChange;
  window.addEventListener("hashchange", takeFromAddress);
}

export const presented = () => token;

export const headersWith = (used) => (used ? { Authorization: `Bearer ${inBytes(used)}` } : {});

// A header takes bytes, each as one character; the service reads them as UTF-8.
const inBytes = (text) => String.fromCharCode(...new TextEncoder().encode(text));

export function useToken(text) {
  const given = text.trim();
  if (UNSENDABLE.test(given)) {
    Object.assign(access, { needed: true, rejected: true });
    return;
  }
  token = given;
  store(token);
  Object.assign(access, { needed: false, rejected: false });
  changed();
}

// Note that the service refused a request that presented `used`.
export function noteRefusal(used) {
  if (used !== token) return; // another one was typed meanwhile
  if (token) access.rejected = true;
  access.needed = true;
  token = "";
  store("");
}

function takeFromAddress() {
  const [, before, linked, after] = LINK.exec(location.hash) ?? [];
  if (linked === undefined) return;
  const alert = before ?? after;
  // At once: what is in the address bar gets into the history, bookmarks and screenshots.
  history.replaceState(null, "", location.pathname + location.search + (alert ? `#${alert}` : ""));
  useToken(decoded(linked));
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

// A browser may forbid storage; the token then lasts until the page is left.
function stored() {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}

function store(text) {
  try {
    if (text) sessionStorage.setItem(KEY, text);
    else sessionStorage.removeItem(KEY);
  } catch { /* as above */ }
}
