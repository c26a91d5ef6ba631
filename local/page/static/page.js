// Passes the server's events to the four parts of the page.

import { byId } from "./dom.js";
import * as uploads from "./uploads.js";
import * as timeline from "./timeline.js";
import * as channel from "./channel.js";
import * as inbox from "./inbox.js";
import { people } from "./people.js";

const parts = document.querySelectorAll("[data-show]");

function show(part) {
  document.body.dataset.part = part;
  unread(part, 0);
  for (const button of parts) {
    if (button.dataset.show === part) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
}

const counts = { channel: 0, inbox: 0 };

// Counts the new items of a part that is hidden in a small window.
function unread(part, count) {
  if (!(part in counts)) return;
  counts[part] = count;
  const badge = document.querySelector(`[data-show="${part}"] .count`);
  badge.hidden = count === 0;
  badge.textContent = count;
}

function came(part) {
  if (document.body.dataset.part !== part) unread(part, counts[part] + 1);
}

for (const button of parts) button.addEventListener("click", () => show(button.dataset.show));
show("uploads");

let quiet = true; // until the page has chosen the first upload by itself
uploads.start((scan) => {
  timeline.choose(scan);
  channel.choose(scan);
  if (!quiet && matchMedia("(max-width: 799px)").matches) show("timeline");
});
timeline.start();
channel.start((scan) => uploads.upload(scan) && uploads.choose(scan));
inbox.start();

const connection = byId("connection");
const events = new EventSource("/events");
const on = (kind, act) => events.addEventListener(kind, (event) => act(JSON.parse(event.data)));

on("now", (now) => {
  connection.textContent = "Live";
  connection.className = "connection live";
  byId("bucket").textContent = now.about.uploadBucket;
  people(now.people);
  channel.all(now.entries);
  inbox.all(now.mails);
  uploads.all(now.uploads);
  quiet = false;
});
on("upload", (one) => { uploads.changed(one); timeline.changed(one); });
on("entry", (entry) => {
  if (!channel.changed(entry)) return;
  came("channel");
  if (entry.title) byId("news").textContent = entry.title.map((span) => span.text).join("");
});
on("mail", (mail) => {
  inbox.changed(mail);
  came("inbox");
  byId("news").textContent = `Mail: ${mail.Subject}`;
});
events.addEventListener("error", () => {
  connection.textContent = "The account has stopped, or cannot be reached";
  connection.className = "connection lost";
});
