// Follow the service's events, and reconnect after an interruption.
import { ROOT } from "./service.js";

const AGAIN_MS = 5000;

// `live` is null until known.
export const stream = { live: null };

export function follow(onEvent) {
  const source = new EventSource(new URL("events", ROOT));
  source.onopen = () => { stream.live = true; };
  source.onmessage = (message) => onEvent(JSON.parse(message.data));
  source.onerror = () => {
    stream.live = false;
    // The browser reconnects after a lost connection by itself, but not after an error response.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => follow(onEvent), AGAIN_MS);
  };
}
