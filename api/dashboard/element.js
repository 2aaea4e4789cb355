// Make and update parts of the page. Data is inserted as text, never as markup.

export const byId = (id) => document.getElementById(id);

export function make(tag, className = "", ...content) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...content);
  return made;
}

// Change a node only if its text differs: screen readers read out each change.
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

const filled = new WeakMap();

// Replace a node's content only if its `data` changed, so that focus, selection and scroll
// position are kept otherwise.
export function fill(node, data, content) {
  const made = JSON.stringify(data);
  if (filled.get(node) === made) return;
  filled.set(node, made);
  node.replaceChildren(...content());
}
