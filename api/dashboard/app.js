// Run the dashboard: poll once a second, follow events, and never show old data as fresh.
import { offerToken, showAccess } from "./access.js";
import { offerActions } from "./actions.js";
import { followAlert, showAlert } from "./alert.js";
import { showAlerts } from "./alerts.js";
import { offerDismissal } from "./answer.js";
import { noteAnswer, noteFailure, showBanners } from "./banners.js";
import { showBreakers } from "./breakers.js";
import { getConfiguration, showConfiguration } from "./configuration.js";
import { changedAt, noteEvent, noteStates } from "./events.js";
import { getFleet, showFleet } from "./fleet.js";
import { showLatency } from "./latency.js";
import { showNow } from "./now.js";
import { get, getAlerting, ofBreaker, serviceNow } from "./service.js";
import { showSettings } from "./settings.js";
import { showShadow } from "./shadow.js";
import { follow, reconnect, stream } from "./stream.js";
import { followToken } from "./token.js";

const POLL_MS = 1000;
const HURRY_MS = 100;
const REFUSED_MS = 5000;

const page = {
  selected: new URLSearchParams(location.search).get("breaker") || "default",
  asking: false,
  hurry: false,
  pause: POLL_MS,
  timer: 0,
};

function start() {
  offerActions(() => page.selected, refresh);
  offerDismissal();
  offerToken();
  followToken(() => {
    reconnect();
    refresh();
  });
  followAlert(refresh);
  follow((event) => {
    noteEvent(event);
    refresh();
  });
  setInterval(showBanners, POLL_MS);
  document.addEventListener("visibilitychange", () => {
    showBanners();
    refresh();
  });
  refresh();
}

function select(name) {
  page.selected = name;
  history.replaceState(null, "", `?breaker=${encodeURIComponent(name)}${location.hash}`);
  refresh();
}

// Poll now, or right after the pending poll; then every second.
async function refresh() {
  page.hurry = page.asking;
  if (page.asking) return;
  clearTimeout(page.timer);
  page.asking = true;
  page.pause = POLL_MS;
  await askAll().then(show).catch(miss);
  page.asking = false;
  showBanners();
  page.timer = setTimeout(refresh, page.hurry ? HURRY_MS : page.pause);
}

async function askAll() {
  const { breakers } = await get("breakers");
  if (!breakers.some(({ name }) => name === page.selected)) page.selected = breakers[0].name;
  const name = page.selected;
  const [status, alerting, fleet, configuration] = await Promise.all([
    get(ofBreaker(name, "status")), getAlerting(name), getFleet(), getConfiguration(),
  ]);
  return { breakers, status, alerting, fleet, configuration };
}

function miss(error) {
  noteFailure(error);
  if (error.needsToken) page.pause = REFUSED_MS;
  showAccess(error.needsToken);
}

function show({ breakers, status, alerting, fleet, configuration }) {
  if (status.name !== page.selected) return; // another one was selected meanwhile
  noteAnswer(status, alerting);
  noteStates(breakers, stream.live);
  showBreakers(breakers, page.selected, select);
  showNow(status, changedAt(status.name, status.state));
  showLatency(status, serviceNow());
  showShadow(status, refresh);
  showFleet(fleet, status);
  showConfiguration(configuration);
  showAlerts(alerting);
  showAlert(alerting.locked);
  showSettings(status, refresh);
  showAccess();
}

start();
