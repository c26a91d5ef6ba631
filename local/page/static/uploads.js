// The first part: uploading zips, folders and samples, and the list of uploads.

import { ask, byId, clock, make } from "./dom.js";
import { below } from "./folder.js";
import { me } from "./people.js";

const ROWS = 60;
const uploads = new Map();
const rows = new Map();
let limit = ROWS;
let chosen = "";
let onChoose = () => {};
let awaitedVersion = ""; // the version that this window has just sent

export const upload = (scan) => uploads.get(scan);

// The status of an upload in the list: [word, colour].
export function statusOf(one) {
  if (one.saved && one.status === "RUNNING") return ["interrupted", "grey"];
  if (one.status === "RUNNING" && one.waits && one.clearance !== "approved") return ["to decide", "amber"];
  if (one.status === "RUNNING" && !one.clearance) return ["scanning", "blue"];
  if (["FAILED", "TIMED_OUT", "ABORTED"].includes(one.status)) return ["error", "red"];
  const tones = { passed: "green", approved: "green", failed: "amber", expired: "grey", superseded: "grey" };
  const word = one.clearance || one.status.toLowerCase();
  return [word, tones[word] || "red"];
}

export function chip(one) {
  const [word, tone] = statusOf(one);
  return make("span", { class: `chip ${tone}` }, word);
}

export function start(choose) {
  onChoose = choose;
  const [zip, folder] = [byId("zip"), byId("folder")];
  byId("choose-zip").addEventListener("click", () => zip.click());
  byId("choose-folder").addEventListener("click", () => folder.click());
  zip.addEventListener("change", () => { sendAll([...zip.files]); zip.value = ""; });
  folder.addEventListener("change", () => {
    const files = [...folder.files].map((file) => ({ path: file.webkitRelativePath, file }));
    folder.value = "";
    if (files.length) sendFolder(files[0].path.split("/")[0], files);
  });
  for (const button of document.querySelectorAll("[data-sample]"))
    button.addEventListener("click", () =>
      reportErrors(async () => sent(await ask(`/api/samples/${button.dataset.sample}?${new URLSearchParams({ user: me() })}`, { method: "POST" }))));
  const drop = byId("drop");
  for (const kind of ["dragenter", "dragover"])
    drop.addEventListener(kind, (event) => { event.preventDefault(); drop.classList.add("over"); });
  for (const kind of ["dragleave", "drop"])
    drop.addEventListener(kind, () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => { event.preventDefault(); dropped(event.dataTransfer); });
  byId("more").addEventListener("click", () => { limit += ROWS; render(); });
  byId("filter").addEventListener("input", () => { limit = ROWS; render(); });
}

export function all(list) {
  uploads.clear();
  for (const one of list) uploads.set(one.scan, one);
  render();
  if (!chosen && list.length) choose(newest()[0].scan);
}

export function changed(one) {
  uploads.set(one.scan, one);
  later();
  if (one.versionId === awaitedVersion || !chosen) {
    awaitedVersion = "";
    choose(one.scan);
  }
}

export function choose(scan) {
  chosen = scan;
  render();
  onChoose(scan);
}

// Renders the list once for many changes.
let waiting = false;
function later() {
  if (waiting) return;
  waiting = true;
  setTimeout(() => { waiting = false; render(); }, 100);
}

const newest = () => [...uploads.values()].reverse();

function render() {
  const word = byId("filter").value.trim().toLowerCase();
  const matches = newest().filter((one) =>
    !word || `${one.key} ${one.versionId} ${statusOf(one)[0]}`.toLowerCase().includes(word));
  const visible = matches.slice(0, limit);
  const list = byId("list");
  list.replaceChildren(...visible.map(row));
  const saved = new Set(visible.map((one) => one.scan));
  for (const scan of rows.keys()) if (!saved.has(scan)) rows.delete(scan);
  byId("more").hidden = matches.length <= limit;
  byId("filter").hidden = uploads.size < 8;
  const open = [...uploads.values()].filter((one) => statusOf(one)[0] === "to decide").length;
  const count = `${uploads.size} upload${uploads.size === 1 ? "" : "s"}`;
  byId("summary").textContent = uploads.size
    ? count + (open ? `, ${open} to decide` : "") : "Nothing was uploaded yet.";
}

// A row is rendered again only when its upload changed, so that it keeps the focus.
function row(one) {
  const known = rows.get(one.scan);
  const current = one.scan === chosen;
  if (known?.one === one) {
    if (current) known.element.setAttribute("aria-current", "true");
    else known.element.removeAttribute("aria-current");
    return known.element;
  }
  const name = one.key.includes("/") ? one.key.slice(one.key.indexOf("/") + 1) : one.key;
  const focused = known && known.element === document.activeElement;
  const element = make(
    "button",
    { type: "button", class: "upload", "aria-current": current ? "true" : null, onclick: () => choose(one.scan) },
    make("span", { class: "upload-app" }, one.app),
    chip(one),
    make("span", { class: "upload-zip" }, name),
    make("span", { class: "upload-at" }, clock(one.began)),
    make("span", { class: "upload-says" }, one.saved ? "from an earlier run" : one.says));
  rows.set(one.scan, { one, element });
  if (focused) setTimeout(() => element.focus());
  return element;
}

async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const files = [...transfer.files];
  for (const [at, entry] of entries.entries())
    if (entry.isDirectory) await sendFolder(entry.name, await below(entry));
    else await send(files[at], files[at].name);
}

async function sendAll(files) {
  for (const file of files) await send(file, file.name);
}

// The server makes the zip.
function sendFolder(name, files) {
  const form = new FormData();
  for (const { path, file } of files) form.append("file", file, path);
  return send(form, name, "folders");
}

function send(body, name, kind = "uploads") {
  const query = new URLSearchParams({ name, app: byId("app").value.trim(), user: me() });
  return reportErrors(async () => sent(await ask(`/api/${kind}?${query}`, { method: "POST", body })));
}

function sent({ versionId }) {
  awaitedVersion = versionId;
  const known = [...uploads.values()].find((one) => one.versionId === versionId);
  if (known) changed(known);
}

async function reportErrors(act) {
  byId("upload-error").textContent = "";
  try {
    await act();
  } catch (error) {
    byId("upload-error").textContent = error.message;
  }
}
