// Follows the service's events, and goes on trying when they are cut off.
import { ROOT } from "./service.js";

const AGAIN_MS = 5000;

// `live` is null until it is known.
export const stream = { live: null };

export function follow(onEvent) {
  const source = new EventSource(new URL("events", ROOT));
  source.onopen = () => { stream.live = true; };
  source.onmessage = (message) => onEvent(JSON.parse(message.data));
  source.onerror = () => {
    stream.live = false;
    // The browser itself comes again after a lost connection, but not after a refusal.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => follow(onEvent), AGAIN_MS);
  };
}
