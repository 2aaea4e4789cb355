// Format figures and times.

export const STATES = {
  CLOSED: "good", OPEN: "bad", FORCED_OPEN: "bad", HALF_OPEN: "warn",
  WARMING_UP: "cool", OBSERVE: "cool", DISABLED: "warn",
};

export const REJECTING = ["OPEN", "HALF_OPEN", "FORCED_OPEN"];

export const stateWord = (state) => state.replaceAll("_", " ");

export const number = (value, digits = 4) => String(Number(value.toPrecision(digits)));

export const percent = (fraction) => `${number(fraction * 100, 3)} %`;

export const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString();

export function moment(seconds, now) {
  const day = new Date(seconds * 1000).toDateString() === new Date(now * 1000).toDateString();
  return day ? clock(seconds) : new Date(seconds * 1000).toLocaleString();
}

export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 120) return `${whole} s`;
  if (whole < 7200) return `${Math.floor(whole / 60)} min`;
  if (whole < 172800) return `${Math.floor(whole / 3600)} h`;
  return `${Math.floor(whole / 86400)} days`;
}

export function bytes(count) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const step = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, count)) / 10));
  return `${number(count / 1024 ** step, 3)} ${units[step]}`;
}

export const processes = (count) => `${count} process${count === 1 ? "" : "es"}`;

// "open in 37 of 40 processes": those that are not closed, or how many are.
export function inProcesses(members) {
  const counts = Object.entries(members);
  const total = counts.reduce((sum, [, count]) => sum + count, 0);
  const others = counts.filter(([state]) => state !== "closed");
  if (total < 2 || !others.length) return "";
  return `${others.map(([state, count]) => `${stateWord(state)} in ${count}`).join(", ")} of ${processes(total)}`;
}

export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

// Add a full stop if there is none.
export const closed = (text) => (/[.!?]$/.test(text) ? text : `${text}.`);

export const sentences = (evidence) => evidence.map((each) => each.sentence).join("; ");
