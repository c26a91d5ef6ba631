// The fourth part: the mails that SES accepted.

import { ask, byId, clock, make, select } from "./dom.js";

const ROWS = 60;
let mails = [];

export function start() {
  const kinds = document.querySelectorAll("[data-part-of-mail]");
  for (const button of kinds) button.addEventListener("click", () => part(kinds, button));
  const frame = byId("email-html");
  frame.addEventListener("load", () => {
    const inside = frame.contentDocument?.documentElement;
    if (inside && frame.src) frame.style.height = `${Math.max(inside.scrollHeight, 120)}px`;
  });
}

export function all(list) {
  mails = list;
  render();
}

export function changed(mail) {
  mails.push(mail);
  render();
}

function render() {
  const newest = mails.slice(-ROWS).reverse();
  byId("mails").replaceChildren(...(newest.length
    ? newest.map(row) : [make("p", { class: "soft nothing" }, "No mail yet: developers get one about each decision.")]));
}

function row(mail) {
  return make(
    "button", { type: "button", class: "mail", onclick: () => open(mail) },
    make("span", { class: "mail-subject" }, mail.Subject),
    make("span", { class: "mail-to" }, `to ${mail.To}`),
    make("time", {}, clock(mail.at)));
}

async function open({ id }) {
  const mail = await ask(`/api/mails/${id}`);
  byId("email-title").textContent = mail.Subject;
  byId("email-facts").replaceChildren(
    make("span", {}, `from ${mail.From}`), make("span", {}, `to ${mail.To}`), make("span", {}, clock(mail.at)));
  byId("email-plain").textContent = mail.plain;
  byId("email-html").src = `/mails/${id}`;
  byId("email").showModal();
}

function part(kinds, button) {
  select(kinds, button);
  byId("email-html").hidden = button.dataset.partOfMail !== "html";
  byId("email-plain").hidden = button.dataset.partOfMail !== "plain";
}
