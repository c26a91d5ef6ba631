// Who uploads, clicks and types in this window.

import { byId, make } from "./dom.js";

let chosen = "";

export const me = () => chosen;

export const face = (name) =>
  make("span", { class: `face tint-${name.charCodeAt(0) % 4}`, "aria-hidden": "true" }, name[0]);

export function people(names) {
  const requested = new URLSearchParams(location.search).get("as") || "";
  chosen = chosen || names.find((name) => name.toLowerCase() === requested.toLowerCase()) || names[0];
  const choices = names.map((name) =>
    make("label", {},
      make("input", { type: "radio", name: "me", value: name, checked: name === chosen, onchange: () => { chosen = name; } }),
      face(name), make("span", { class: "name" }, name)));
  byId("people").replaceChildren(make("legend", {}, "You are"), ...choices);
}
