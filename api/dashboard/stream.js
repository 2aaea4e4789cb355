// Follow the service's events, and reconnect after an interruption. Not by EventSource, which sends
// no token.
import { ROOT, headersWith, noteRefusal, presented } from "./token.js";

const AGAIN_MS = 5000;
const SILENT_MS = 45000; // the service sends a comment every 15 s

// `live` is null until known.
export const stream = { live: null };

let again = AGAIN_MS;
let hurry = false;
let interrupt = () => {};

export async function follow(onEvent) {
  for (;;) {
    hurry = false;
    const connection = new AbortController();
    interrupt = () => connection.abort();
    await read(onEvent, connection).catch(() => {});
    stream.live = false;
    if (!hurry) await pause();
  }
}

// Connect anew at once, with another token.
export function reconnect() {
  hurry = true;
  interrupt();
}

async function read(onEvent, connection) {
  let silence = 0;
  const listen = () => {
    clearTimeout(silence);
    silence = setTimeout(() => connection.abort(), SILENT_MS);
  };
  listen();
  try {
    const pieces = await connect(connection.signal);
    let text = "";
    for (;;) {
      const { done, value } = await pieces.read();
      if (done) return;
      listen();
      const messages = (text + value).split("\n\n");
      text = messages.pop();
      for (const message of messages) take(message, onEvent);
    }
  } finally {
    clearTimeout(silence);
    connection.abort();
  }
}

async function connect(signal) {
  const used = presented();
  const response = await fetch(new URL("events", ROOT), { headers: headersWith(used), cache: "no-store", signal });
  if (response.status === 401) noteRefusal(used);
  if (!response.ok) throw new Error(`the service answered ${response.status}`);
  stream.live = true;
  return response.body.pipeThrough(new TextDecoderStream()).getReader();
}

function take(message, onEvent) {
  const data = [];
  for (const line of message.split("\n")) {
    const [, field, value] = /^(data|retry): ?(.*)$/.exec(line) ?? [];
    if (field === "data") data.push(value);
    if (field === "retry") again = Number(value);
  }
  if (data.length) onEvent(JSON.parse(data.join("\n")));
}

const pause = () => new Promise((resolve) => {
  const timer = setTimeout(resolve, again);
  interrupt = () => {
    clearTimeout(timer);
    resolve();
  };
});
