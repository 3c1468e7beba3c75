// Keys and the palette. Every page works without them: each key does what a link, a field or a button on the page does.
const OFF = "quickconnect-keys-off";
const NUMBER = "quickconnect-nhs-number";
const role = window.location.pathname.split("/").slice(0, 3).join("/");

const isWriting = (target) =>
  target instanceof Element && target.closest("input:not([type=radio]):not([type=checkbox]), select, textarea, dialog") !== null;
const first = (selector) => document.querySelector(selector);
const open = (selector) => first(selector)?.click();
const focus = (selector) => first(selector)?.focus();
const rows = () => [...document.querySelectorAll(".kit-table tbody tr")];

function move(step) {
  const all = rows();
  if (!all.length) return;
  const at = all.findIndex((row) => row.getAttribute("aria-selected") === "true");
  const next = all[Math.min(Math.max(at + step, 0), all.length - 1)];
  for (const row of all) row.removeAttribute("aria-selected");
  next.setAttribute("aria-selected", "true");
  next.scrollIntoView({ block: "nearest" });
  next.querySelector("a")?.focus();
}

function choose(value) {
  const option = first(`input[type=radio][name=decision][value="${value}"], input[type=radio][name=outcome][value="${value}"]`);
  if (option) option.checked = true;
  option?.focus();
  return option;
}

// Each leads to an entry of the navigation. A role without the entry does not have the key.
const PLACES = [
  ["g h", "Home", `.kit-nav a[href="${role}"]`],
  ["g w", "Worklists", '.kit-nav a[href*="/worklists/"]'],
  ["g a", "Advice", '.kit-nav a[href*="/worklists/advice"]'],
  ["g s", "Services", '.kit-nav a[href$="/services"]'],
];

const KEYS = [
  ["/", "Search box", null],
  ["Ctrl+K", "Palette: go to a page, a UBRN or an NHS number", null],
  ["?", "This list", () => list.showModal()],
  ...PLACES.filter(([, , place]) => first(place)).map(([key, words, place]) => [key, words, () => open(place)]),
  ["j", "Next row", () => move(1)],
  ["k", "Previous row", () => move(-1)],
  ["x", "Select the row, or leave it out", () => open('.kit-table tr[aria-selected="true"] input[type=checkbox]')],
  ["o", "Open the row", () => open('.kit-table tr[aria-selected="true"] a')],
  ["u", "Back", () => open(".nhsuk-back-link")],
  ["f", "Filters", () => focus(".kit-pills a")],
  ["e", "Download CSV", () => open('a[href*="as=csv"]')],
  ["p", "Print", () => window.print()],
  ["a", "Accept", () => choose("accept") ?? choose("ACCEPT_REFER_BOOK_LATER")],
  ["r", "Reject or return", () => choose("reject") ?? choose("RETURN_TO_REFERRER_WITH_ADVICE")],
  ["d", "Cancel the appointment and book later", () => choose("later")],
  ["n", "Next in the queue", () => open('a[href$="/next"]')],
  ["c", "Comment or answer", () => focus("textarea")],
  [".", "What can be done here", () => focus("main .kit-actions :is(a, button)")],
];

function dialogOf(label, content) {
  const dialog = document.createElement("dialog");
  dialog.className = "qc-dialog";
  dialog.setAttribute("aria-label", label);
  dialog.append(...content);
  document.body.append(dialog);
  return dialog;
}

function element(name, text = "", properties = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  Object.assign(made, properties);
  return made;
}

// The list of keys, with the switch that turns single keys off.
const table = element("dl", "", { className: "qc-keys" });
for (const [key, words] of KEYS) table.append(element("dt", key), element("dd", words));
const toggle = element("button", "", { type: "button", className: "kit-quiet-button" });
const told = () => {
  toggle.textContent = localStorage.getItem(OFF) ? "Turn single keys on" : "Turn single keys off";
};
toggle.addEventListener("click", () => {
  if (localStorage.getItem(OFF)) localStorage.removeItem(OFF);
  else localStorage.setItem(OFF, "yes");
  told();
});
told();
const close = element("button", "Close", { type: "button", className: "kit-quiet-button" });
const list = dialogOf("Keys", [element("h2", "Keys"), table, element("p", "", { className: "kit-actions" })]);
list.lastElementChild.append(toggle, close);
close.addEventListener("click", () => list.close());

// The palette: links and acts of this page, a UBRN, an NHS number.
const wanted = element("input", "", { type: "search", id: "palette", autocomplete: "off", className: "nhsuk-input" });
const label = element("label", "Go to", { htmlFor: "palette", className: "nhsuk-label" });
const found = element("ul", "", { className: "qc-found" });
const count = element("p", "", { className: "kit-quiet" });
count.setAttribute("role", "status");
const palette = dialogOf("Palette", [label, wanted, count, found]);

function commands() {
  const links = [...document.querySelectorAll(".kit-nav a, main .kit-actions a, main .kit-table a, main .qc-tiles a")];
  const acts = links.map((link) => [link.textContent.replace(/\s+/g, " ").trim(), () => { window.location.href = link.href; }]);
  const digits = wanted.value.replace(/[\s-]/g, "");
  if (/^\d{12}$/.test(digits) && first(".kit-header__search")) acts.unshift([`Open the request ${digits}`, () => { window.location.href = `${role}/find?q=${digits}`; }]);
  if (/^\d{10}$/.test(digits) && first('.kit-nav a[href$="/patients"]')) {
    acts.unshift([`Find the patient ${digits}`, () => {
      sessionStorage.setItem(NUMBER, digits);
      window.location.href = `${role}/patients`;
    }]);
  }
  const words = /^\d{10,12}$/.test(digits) ? [digits] : wanted.value.toLowerCase().split(/\s+/).filter(Boolean);
  return acts.filter(([text]) => words.every((word) => text.toLowerCase().includes(word)));
}

function show() {
  const all = commands().slice(0, 12);
  found.replaceChildren(...all.map(([text, run]) => {
    const item = element("li");
    const button = element("button", text, { type: "button" });
    button.addEventListener("click", run);
    item.append(button);
    return item;
  }));
  count.textContent = all.length ? "" : "Nothing fits.";
}
wanted.addEventListener("input", show);
wanted.addEventListener("keydown", (event) => {
  if (event.key === "Enter") found.querySelector("button")?.click();
  if (event.key === "ArrowDown") found.querySelector("button")?.focus();
});
found.addEventListener("keydown", (event) => {
  const item = event.target.closest("li");
  const next = event.key === "ArrowDown" ? item?.nextElementSibling : event.key === "ArrowUp" ? item?.previousElementSibling : null;
  next?.querySelector("button")?.focus();
});

// An NHS number never stands in an address: the page to find a patient sends it as its form.
const number = sessionStorage.getItem(NUMBER);
if (number && window.location.pathname === `${role}/patients`) {
  sessionStorage.removeItem(NUMBER);
  const field = first("#number");
  if (field) {
    field.value = number;
    field.form.requestSubmit();
  }
}

// How many boxes of a list are ticked.
for (const told of document.querySelectorAll("[data-chosen]")) {
  const boxes = [...document.querySelectorAll(`input[type=checkbox][name="${told.dataset.chosen}"]`)];
  const tell = () => { told.textContent = boxes.length ? `${boxes.filter((box) => box.checked).length} chosen` : ""; };
  for (const box of boxes) box.addEventListener("change", tell);
  tell();
}

// A button in the footer, for those who do not know the keys yet.
const menu = first(".kit-footer ul");
if (menu) {
  const button = element("button", "Keys", { type: "button", className: "kit-quiet-button" });
  button.addEventListener("click", () => list.showModal());
  const item = element("li");
  item.append(button);
  menu.append(item);
}

let before = "";
document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    wanted.value = "";
    show();
    palette.showModal();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || isWriting(event.target) || localStorage.getItem(OFF)) return;
  if (/^[1-9]$/.test(event.key)) {
    document.querySelectorAll(".qc-tiles a")[Number(event.key) - 1]?.click();
    return;
  }
  const pressed = before === "g" ? `g ${event.key}` : event.key;
  before = event.key;
  const act = KEYS.find(([key, , run]) => run && key === pressed)?.[2];
  if (!act) return;
  event.preventDefault();
  act();
});
