// Creates elements from text only: external content is never parsed as HTML.

const SVG = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

export function make(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

export function drawn(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// Renders spans and blocks as local/mrkdwn.py returns them.
export function spans(list) {
  return list.map((span) => {
    let node = document.createTextNode(span.text);
    const wrap = (tag, attributes) => { node = make(tag, attributes, node); };
    if (span.code) wrap("code");
    if (span.bold) wrap("b");
    if (span.italic) wrap("i");
    if (span.strike) wrap("s");
    if (span.mention) wrap("span", { class: "mention" });
    if (span.href) wrap("a", { href: span.href, target: "_blank", rel: "noreferrer" });
    return node;
  });
}

export function blocks(list) {
  const tags = { text: "p", quote: "blockquote", code: "pre" };
  return list.map((block) =>
    make(tags[block.kind], block.kind === "code" ? { tabindex: 0 } : {}, ...spans(block.spans)));
}

// The time, with the date if that is not today.
export function clock(at) {
  const when = new Date(at * 1000);
  const today = when.toDateString() === new Date().toDateString();
  const time = when.toLocaleTimeString("en-GB");
  return today ? time : `${when.toLocaleDateString("en-GB", { day: "numeric", month: "short" })}, ${time}`;
}

export function span(seconds) {
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

export function select(buttons, chosen) {
  for (const button of buttons) button.setAttribute("aria-pressed", String(button === chosen));
}

// The JSON of one response; throws an Error with the server's message.
export async function ask(path, options = {}) {
  const answer = await fetch(path, options);
  const content = await answer.json().catch(() => ({ error: `The page answered ${answer.status}.` }));
  if (!answer.ok) throw new Error(content.error);
  return content;
}

export const post = (path, body) => ask(path, { method: "POST", body: JSON.stringify(body) });

for (const dialog of document.querySelectorAll("dialog"))
  dialog.querySelector(".close").addEventListener("click", () => dialog.close());
