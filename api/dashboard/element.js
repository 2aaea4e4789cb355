// Makes and updates parts of the page. What comes from outside goes in as text, never as markup.

export const byId = (id) => document.getElementById(id);

export function make(tag, className = "", ...content) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...content);
  return made;
}

// Leaves a node alone that says so already: screen readers read out each change.
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

const filled = new WeakMap();

// Replaces what is in a node if `data` is not what it was made from, so that focus, selection and
// scroll position stay otherwise.
export function fill(node, data, content) {
  const made = JSON.stringify(data);
  if (filled.get(node) === made) return;
  filled.set(node, made);
  node.replaceChildren(...content());
}
