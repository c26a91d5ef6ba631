// The second part: the timeline of the chosen upload, as a graph of the state machine.

import { ask, byId, clock, drawn, make, select, span } from "./dom.js";
import { chip, upload } from "./uploads.js";

const [WIDTH, HEIGHT] = [144, 46]; // as in local/page/graph_layout.py
let chosen = "";
let details = null;
let asking = false;
let again = false; // the upload changed during a request
let current = "";

export function start() {
  const views = document.querySelectorAll("[data-view]");
  for (const button of views)
    button.addEventListener("click", () => {
      select(views, button);
      byId("graph").hidden = button.dataset.view !== "graph";
      byId("steps").hidden = button.dataset.view !== "steps";
    });
  new ResizeObserver(() => details && follow()).observe(byId("graph"));
  setInterval(() => {
    const one = upload(chosen);
    if (!one || one.status !== "RUNNING" || one.saved) return;
    if (one.resting) show();
    else load();
  }, 1000);
}

export function choose(scan) {
  if (scan !== chosen) {
    details = null;
    current = "";
    show();
  }
  chosen = scan;
  load();
}

export function changed(one) {
  if (one.scan === chosen) load();
}

// One request at a time, however slow it is.
async function load() {
  again = asking;
  if (asking) return;
  asking = true;
  const scan = chosen;
  const got = await ask(`/api/timeline?${new URLSearchParams({ scan })}`).catch(() => null);
  asking = false;
  if (got && scan === chosen) {
    details = got;
    show();
  }
  if (again) load();
}

function show() {
  const one = upload(chosen);
  byId("timeline").classList.toggle("empty", !details);
  byId("log-part").hidden = !details?.log.length;
  byId("coverage-part").hidden = !details?.coverage;
  if (!one || !details) {
    for (const id of ["graph", "steps", "evidence", "timeline-facts", "log"]) byId(id).replaceChildren();
    if (!one) byId("graph").append(make("p", { class: "soft" }, "Upload something, and follow it here."));
    return;
  }
  byId("timeline-title").replaceChildren(one.app, " ", chip(one));
  byId("timeline-facts").replaceChildren(
    make("span", {}, one.key), make("span", {}, `version ${one.versionId.slice(0, 8)}`),
    make("span", {}, `${one.size.toLocaleString("en")} bytes`), make("span", {}, `at ${clock(one.began)}`),
    ...(details.approval ?? []).map((fact) => make("span", {}, fact)));
  showEvidence(one);
  showCoverage(one);
  showGraph(one);
  showSteps(one);
  showLog();
}

function showEvidence(one) {
  const buttons = byId("evidence");
  const names = details.evidence;
  if (buttons.dataset.names === `${one.scan} ${names}`) return;
  buttons.dataset.names = `${one.scan} ${names}`;
  buttons.replaceChildren(...names.map((name) =>
    make("button", { type: "button", onclick: () => openEvidence(one.scan, name) }, name)));
}

// Rendered once for each scan, so that an opened section stays open.
function showCoverage(one) {
  const lists = byId("coverage");
  if (!details.coverage || lists.dataset.scan === one.scan) return;
  lists.dataset.scan = one.scan;
  byId("coverage-part").open = false;
  byId("coverage-analysed").textContent = details.coverage.analysed;
  lists.replaceChildren(...details.coverage.lists.flatMap(({ title, lines }) => [
    make("h3", {}, title),
    make("ul", {}, ...lines.map(({ file, words }) =>
      make("li", {}, file ? make("code", {}, file) : null, file && words ? ": " : null, words))),
  ]));
  if (!details.coverage.lists.length) lists.append(make("p", {}, "No file of code was left out."));
}

async function openEvidence(scan, name) {
  const query = new URLSearchParams({ scan, name });
  const answer = await fetch(`/api/evidence?${query}`);
  byId("paper-title").textContent = name;
  byId("paper-text").textContent = await answer.text();
  byId("paper").showModal();
}

const last = () => details.steps[details.steps.length - 1];

// Seconds in a step; for the current one by this machine's clock, which the account uses too.
function took(step, one) {
  if (step.left) return step.left - step.entered;
  return one.status === "RUNNING" && !one.saved ? Math.max(Date.now() / 1000 - step.entered, 0) : 0;
}

function showGraph(one) {
  const { width, height, states, lines } = details.graph;
  const steps = new Map();
  for (const step of details.steps) steps.set(step.name, step);
  const taken = new Set(details.steps.slice(1).map((step, at) => `${details.steps[at].name} ${step.name}`));
  const running = one.status === "RUNNING" && !one.saved;
  const now = last()?.name;
  const ordered = [...lines].sort((a, b) => taken.has(`${a.from} ${a.to}`) - taken.has(`${b.from} ${b.to}`));
  const svg = drawn(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": `${one.app}: ${last()?.says}` },
    ...ordered.map((line) =>
      drawn("path", { d: line.path, class: taken.has(`${line.from} ${line.to}`) ? "line taken" : "line" })),
    ...states.map((state) => {
      const step = steps.get(state.name);
      const failed = step?.error && ["FAILED", "TIMED_OUT", "ABORTED"].includes(one.status) && state.name === now;
      const kind = !step ? "" : failed ? "wrong" : state.name === now && running ? (one.resting ? "rests" : "works") : "done";
      return drawn(
        "g",
        { class: `state ${kind}`, transform: `translate(${state.x} ${state.y})`, "data-state": state.name },
        drawn("rect", { width: WIDTH, height: HEIGHT, rx: 9 }),
        drawn("text", { x: WIDTH / 2, y: step ? 20 : 28, class: "name" }, state.name),
        step ? drawn("text", { x: WIDTH / 2, y: 36, class: "took" }, span(took(step, one))) : null);
    }));
  byId("graph").replaceChildren(svg);
  follow();
}

// Scrolls the current state to the middle, once, as soon as the graph is visible.
function follow() {
  const graph = byId("graph");
  const state = [...graph.querySelectorAll("[data-state]")].find((element) => element.dataset.state === last()?.name);
  if (!state || !graph.clientHeight || state.dataset.state === current) return;
  current = state.dataset.state;
  const [inner, outer] = [state, graph].map((element) => element.getBoundingClientRect());
  graph.scrollBy(inner.x + inner.width / 2 - outer.x - outer.width / 2,
    inner.y + inner.height / 2 - outer.y - outer.height / 2);
}

function showSteps(one) {
  byId("steps").replaceChildren(make("ol", {}, ...details.steps.map((step) =>
    make(
      "li", {},
      make("span", { class: "at" }, clock(step.entered)),
      make("span", { class: "says" }, step.says,
        step.attempts > 1 ? make("span", { class: "soft" }, ` (${step.attempts} attempts)`) : null,
        step.error ? make("span", { class: "soft error" }, step.error) : null),
      make("span", { class: "took" }, span(took(step, one)))))));
}

function showLog() {
  const log = byId("log");
  const text = details.log.join("\n");
  if (log.textContent === text) return;
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  log.textContent = text;
  if (atEnd) log.scrollTop = log.scrollHeight;
}
