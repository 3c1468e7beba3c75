// Behaviour of the kit's parts. Every page works without it: each part below only adds to what is there.
import { initAll } from "./nhsuk-frontend.min.js";

initAll();

const isWriting = (target) => target instanceof Element && target.closest("input, select, textarea, [contenteditable]") !== null;

// `/` goes to the search box of the header, unless somebody is writing.
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || isWriting(event.target)) return;
  const box = document.querySelector("[data-header-search]");
  if (box) {
    event.preventDefault();
    box.focus();
  }
});

// data-filter="#list": the words in this field hide the items of the list that do not hold them.
for (const field of document.querySelectorAll("[data-filter]")) {
  const list = document.querySelector(field.dataset.filter);
  const told = document.querySelector(`[data-filter-count="${field.dataset.filter}"]`);
  if (!list) continue;
  const apply = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    const items = [...list.querySelectorAll("[data-filter-item]")];
    let shown = 0;
    for (const item of items) {
      const text = item.textContent.toLowerCase();
      const fits = words.every((word) => text.includes(word));
      item.toggleAttribute("data-hidden-by-filter", !fits);
      const chosen = fits ? null : item.querySelector("input[type=radio]:checked");
      if (chosen) chosen.checked = false; // nobody sends a choice that is not on the screen
      if (fits) shown += 1;
    }
    if (told) told.textContent = words.length ? `${shown} of ${items.length} shown` : "";
  };
  field.closest("[hidden]")?.removeAttribute("hidden");
  field.addEventListener("input", apply);
  apply();
}

// data-live="address": on each event of this stream, the element is read anew from the page's own address.
for (const part of document.querySelectorAll("[data-live][id]")) {
  const source = new EventSource(part.dataset.live);
  let busy = false;
  let again = false;
  const refresh = async () => {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    try {
      const reply = await fetch(window.location.href, { headers: { accept: "text/html" } });
      if (!reply.ok) return;
      const page = new DOMParser().parseFromString(await reply.text(), "text/html");
      const fresh = page.getElementById(part.id);
      const focused = document.activeElement;
      if (fresh && !(focused && part.contains(focused))) part.replaceChildren(...fresh.childNodes);
    } finally {
      busy = false;
      if (again) {
        again = false;
        refresh();
      }
    }
  };
  source.onmessage = refresh;
  window.addEventListener("pagehide", () => source.close());
}

// data-session-ends-in="seconds": a warning two minutes before the session ends.
const session = document.querySelector("[data-session-ends-in]");
if (session) {
  const warnAfter = Math.max(0, Number(session.dataset.sessionEndsIn) - 120) * 1000;
  setTimeout(() => {
    session.hidden = false;
  }, warnAfter);
}

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

// data-copy="#code": copies the text of an element.
for (const button of document.querySelectorAll("[data-copy]")) {
  const text = document.querySelector(button.dataset.copy);
  if (!text || !navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text.textContent);
    button.textContent = "Copied";
  });
}

// data-last-first="name": what was chosen here last comes first. Kept in this browser only.
for (const group of document.querySelectorAll("[data-last-first]")) {
  const key = `last-${group.dataset.lastFirst}`;
  const last = [...group.querySelectorAll("input[type=radio]")].find((input) => input.value === localStorage.getItem(key));
  const item = last?.closest("[data-filter-item]");
  if (item) {
    item.parentElement.prepend(item);
    const told = item.querySelector(".nhsuk-hint")?.appendChild(document.createElement("div"));
    if (told) told.textContent = "Last used in this browser";
  }
  group.closest("form")?.addEventListener("submit", () => {
    const chosen = group.querySelector("input[type=radio]:checked");
    if (chosen) localStorage.setItem(key, chosen.value);
  });
}
