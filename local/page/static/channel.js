// The third part: the channel, with the chat service's cards and people's clicks and commands.

import { ask, blocks, byId, clock, make, post, spans } from "./dom.js";
import { face, me } from "./people.js";

const THREADS = 60;
const entries = new Map();
let first = 0; // id of the earliest loaded entry
let chosen = "";
let onThread = () => {};

export function start(chooseThread) {
  onThread = chooseThread;
  byId("earlier").addEventListener("click", earlier);
  byId("composer").addEventListener("submit", async (event) => {
    event.preventDefault();
    const command = byId("command").value.trim();
    if (!command) return;
    byId("command").value = "";
    await post("/api/command", { user: me(), command }).catch(complain);
  });
  const dialog = byId("ask");
  dialog.querySelector("form").addEventListener("input", preview);
  dialog.querySelector("form").addEventListener("submit", () => {
    const { entry, button } = asking;
    send(entry, button, answers());
  });
}

export function all(list) {
  entries.clear();
  byId("threads").replaceChildren();
  first = list.length ? list[0].id : 0;
  for (const entry of list) entries.set(entry.id, entry);
  const newest = [...threads().keys()].slice(-THREADS);
  const emptyWord = make("p", { class: "soft nothing" }, "No notification was sent yet.");
  byId("threads").replaceChildren(...(list.length ? newest.map(thread) : [emptyWord]));
  byId("earlier").hidden = first === 0;
  toEnd();
}

// Adds a new entry or updates a changed one; returns whether it is new.
export function changed(entry) {
  const known = entries.has(entry.id);
  entries.set(entry.id, entry);
  const threadList = byId("threads");
  const messages = byId("messages");
  const atEnd = messages.scrollHeight - messages.scrollTop - messages.clientHeight < 80;
  threadList.querySelector(".nothing")?.remove();
  const key = keyOf(entry);
  const old = threadList.querySelector(`[data-thread="${CSS.escape(key)}"]`);
  const made = thread(key);
  if (old) old.replaceWith(made);
  else threadList.append(made);
  while (atEnd && threadList.childElementCount > THREADS) threadList.firstElementChild.remove();
  byId("earlier").hidden = first === 0 && threads().size <= threadList.childElementCount;
  if (atEnd) toEnd();
  else if (entry.kind === "click" && entry.user === me()) made.lastElementChild.scrollIntoView({ block: "nearest" });
  return !known;
}

export function choose(scan) {
  chosen = scan;
  for (const element of byId("threads").querySelectorAll(".thread"))
    element.classList.toggle("chosen", element.dataset.scans.split(" ").includes(scan));
  byId("threads").querySelector(".chosen")?.scrollIntoView({ block: "nearest" });
}

const keyOf = (entry) => entry.thread || `#${entry.id}`;

function threads() {
  const byThread = new Map();
  for (const entry of [...entries.values()].sort((a, b) => a.id - b.id)) {
    const key = keyOf(entry);
    if (!byThread.has(key)) byThread.set(key, []);
    byThread.get(key).push(entry);
  }
  return byThread;
}

function thread(key) {
  const [head, ...replies] = [...entries.values()].filter((entry) => keyOf(entry) === key).sort((a, b) => a.id - b.id);
  const scans = [head, ...replies].map((entry) => entry.scan).filter(Boolean);
  return make(
    "article",
    { class: scans.includes(chosen) ? "thread chosen" : "thread", "data-thread": key, "data-scans": scans.join(" ") },
    choosing(head),
    replies.length ? make("div", { class: "replies" }, ...replies.map(choosing)) : null);
}

// Clicking a message chooses its scan: in the thread of a notification storm each has its own.
function choosing(entry) {
  const made = message(entry);
  if (entry.scan) made.addEventListener("click", () => onThread(entry.scan));
  return made;
}

function message(entry) {
  if (entry.kind === "click") return clicked(entry);
  if (entry.kind === "dropped") return dropped(entry);
  return post_("Amazon Q", true, entry.at, make(
    "div", { class: `card ${entry.kind === "alarm" ? "alarm" : ""}` },
    entry.title.length ? make("h3", {}, ...spans(entry.title)) : null,
    ...blocks(entry.body),
    entry.nextSteps.length
      ? make("div", { class: "next" }, make("h4", {}, "Next steps"),
        make("ul", {}, ...entry.nextSteps.map((step) => make("li", {}, ...spans(step)))))
      : null,
    entry.buttons.length
      ? make("p", { class: "row buttons" }, ...entry.buttons.map((button, at) =>
        make("button", { type: "button", disabled: entry.saved, onclick: (event) => { event.stopPropagation(); begin(entry, at); } }, button.label)))
      : null,
    entry.keywords.length
      ? make("p", { class: "keywords" }, ...entry.keywords.map((word) => make("span", {}, word))) : null));
}

function post_(name, app, at, ...body) {
  return make(
    "div", { class: "message" },
    app ? make("span", { class: "face app", "aria-hidden": "true" }, "Q") : face(name),
    make("div", { class: "message-body" },
      make("p", { class: "by" }, make("b", {}, name), app ? make("span", { class: "badge" }, "APP") : null,
        make("time", {}, clock(at))),
      ...body));
}

function clicked(entry) {
  const given = Object.entries(entry.answers).map(([name, value]) => `${name}: ${value}`).join(", ");
  const act = entry.button
    ? make("p", {}, "clicked ", make("b", {}, entry.button), given ? `. ${given}` : "")
    : make("p", {}, make("span", { class: "mention" }, "@Amazon Q"), " ", make("code", {}, entry.command));
  const answer = entry.answer === null
    ? make("p", { class: "soft" }, "…")
    : make("p", { class: entry.refused ? "answer refused" : "answer" }, entry.answer);
  const ran = entry.button
    ? make("details", { onclick: (event) => event.stopPropagation() }, make("summary", {}, "The command that ran"), make("pre", { tabindex: 0 }, entry.command)) : null;
  return make("div", { class: "exchange" },
    post_(entry.user, false, entry.at, act),
    post_("Amazon Q", true, entry.at + (entry.seconds || 0), answer, ran));
}

function dropped(entry) {
  return make(
    "div", { class: "dropped" },
    make("p", {}, make("b", {}, "Dropped by the chat service. "), `Nobody sees this in Slack: ${entry.why}.`),
    make("details", {}, make("summary", {}, "The message"), make("pre", { tabindex: 0 }, entry.text)));
}

let asking = null;

function begin(entry, at) {
  const button = entry.buttons[at];
  if (!button.asks.length) return void send(entry, at, {});
  asking = { entry, button: at };
  byId("ask-title").textContent = button.label;
  byId("ask-about").replaceChildren(...spans(entry.title));
  byId("ask-fields").replaceChildren(...button.asks.map((name) =>
    make("p", { class: "field" }, make("label", { for: `ask-${name}` }, name),
      make("input", { id: `ask-${name}`, name, autocomplete: "off" }))));
  byId("ask-why").textContent = `The card does not say ${button.asks.join(" or ")}, so the service asks you. It will run:`;
  byId("ask-go").textContent = button.label;
  preview();
  byId("ask").showModal();
}

function answers() {
  const fields = byId("ask-fields").querySelectorAll("input");
  return Object.fromEntries([...fields].map((field) => [field.name, field.value]));
}

function preview() {
  const button = asking.entry.buttons[asking.button];
  const values = { ...button.bound, ...answers() };
  byId("ask-command").textContent = button.command.replace(/\$([A-Za-z]+)/g, (whole, name) => values[name] || whole);
}

async function send(entry, button, given) {
  await post("/api/click", { user: me(), entry: entry.id, button, answers: given }).catch(complain);
}

function complain(error) {
  byId("news").textContent = error.message;
}

async function earlier() {
  if (first > 0) {
    const more = await ask(`/api/entries?before=${first}`);
    for (const entry of more) entries.set(entry.id, entry);
    first = more.length ? more[0].id : 0;
  }
  const threadList = byId("threads");
  const count = threadList.childElementCount;
  threadList.replaceChildren(...[...threads().keys()].slice(-(count + THREADS)).map(thread));
  byId("earlier").hidden = first === 0 && threads().size <= threadList.childElementCount;
}

function toEnd() {
  const messages = byId("messages");
  messages.scrollTop = messages.scrollHeight;
}
