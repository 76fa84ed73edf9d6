// What all pages share: the grid, what is selected, and keys.
import { MOST_SHOWN, SILENT, TOLD, api, classes, count, hush, kindTyped, kinds, label, notice, readOnly, reload, remove, undo } from "./writing.js";

// --- the grid -------------------------------------------------------------------------------------

export const grid = document.getElementById("grid");
let at = -1;
let anchor = -1;
let everything = null; // ids of the whole list, where all of it is selected
let byPicture = false; // whether the grid shows what is like a dropped picture
const cards = () => [...document.querySelectorAll("#grid .card")];
const isSelected = (card) => card.getAttribute("aria-selected") === "true";

function select(card, on = true) {
  card.setAttribute("aria-selected", on ? "true" : "false");
}

export function selectedIds() {
  if (everything) return everything;
  const one = document.getElementById("one");
  if (one) return [Number(one.dataset.id)];
  const chosen = cards().filter(isSelected);
  const all = cards();
  const under = chosen.length === 0 && at >= 0 && all[at] ? [all[at]] : chosen;
  return under.map((card) => Number(card.dataset.id));
}

function showSelected() {
  const n = everything ? everything.length : cards().filter(isSelected).length;
  const place = document.getElementById("selected");
  if (place && grid) place.textContent = n ? `${n.toLocaleString("en")} selected` : "";
}

function clear() {
  everything = null;
  cards().forEach((card) => select(card, false));
  showSelected();
}

function move(to, { extend = false, keep = false } = {}) {
  const all = cards();
  if (all.length === 0) return;
  at = Math.max(0, Math.min(all.length - 1, to));
  if (extend) {
    everything = null;
    if (anchor < 0) anchor = at;
    const [low, high] = [Math.min(anchor, at), Math.max(anchor, at)];
    all.forEach((card, n) => select(card, n >= low && n <= high));
  } else if (!keep) {
    anchor = at;
  }
  all[at].focus({ preventScroll: true });
  all[at].scrollIntoView({ block: "nearest" });
  if (at > all.length - 20) document.querySelector("#grid .further")?.dispatchEvent(new Event("further"));
  showSelected();
}

function perRow() {
  const all = cards();
  const top = all[0]?.offsetTop;
  const n = all.findIndex((card) => card.offsetTop !== top);
  return n < 0 ? all.length : n;
}

async function selectAll() {
  // Of what is ordered by likeness nobody wants all: what is shown, no more.
  if (byPicture || grid.dataset.ranked) {
    cards().forEach((card) => select(card));
    return showSelected();
  }
  const query = new URLSearchParams(location.search);
  query.delete("start");
  const found = await api(`images/ids?${query}`);
  if (!found) return undefined;
  everything = found.ids;
  cards().forEach((card) => select(card));
  return showSelected();
}

// Cards as the index has them now, each at its place; false where they are too many.
async function renew(ids) {
  const shown = new Map(cards().map((card) => [Number(card.dataset.id), card]));
  const wanted = ids.filter((id) => shown.has(id));
  if (ids.length > MOST_SHOWN) return false;
  if (wanted.length === 0) return true;
  try {
    const answer = await fetch(`/pile/part?where=${encodeURIComponent(`id IN (${wanted.join(",")})`)}`, { headers: { "X-Fragment": "yes" } });
    if (!answer.ok) return false;
    const holding = document.createElement("div");
    holding.innerHTML = await answer.text();
    for (const card of holding.querySelectorAll(".card")) {
      const old = shown.get(Number(card.dataset.id));
      old.querySelector(".told").replaceWith(card.querySelector(".told"));
      old.dataset.label = card.dataset.label;
    }
    return true;
  } catch {
    return false;
  }
}

function total(n) {
  const place = document.getElementById("total");
  place.dataset.total = String(n);
  place.textContent = count(n);
}

function retell(ids, text, kind) {
  const wanted = new Set(ids);
  for (const card of cards()) {
    if (!wanted.has(Number(card.dataset.id))) continue;
    card.dataset.label = text;
    const badge = document.createElement("span");
    badge.className = "badge said";
    badge.textContent = `✓ ${text}`;
    const told = card.querySelector(".told");
    const before = told.querySelector(".kind");
    if (kind && before) before.textContent = kind;
    told.replaceChildren(badge, " ", ...(before ? [before] : kind ? [kind] : []));
  }
}

async function labelSelected(name) {
  const ids = selectedIds();
  const kind = document.getElementById("kind")?.value.trim();
  const one = document.getElementById("one");
  // On to the next at once: the next key is meant for it.
  const alone = !one && !readOnly && !everything && ids.length === 1 && at >= 0;
  if (alone) {
    clear();
    move(at + 1);
  }
  const report = await label(ids, name);
  if (!report) return;
  if (one) return reload();
  if (name) retell(ids, name, kind);
  else if (!(await renew(ids))) return reload();
  if (!alone) clear();
  return undefined;
}

async function takeBack() {
  const step = await undo();
  if (!step) return;
  if (document.getElementById("one")) reload();
  else if (grid && (step.restore || byPicture || !(await renew(step.ids || [])))) reload();
}

function go(ids, address) {
  if (ids.length === 0) return notice("Select pictures first.", true);
  location.href = address + ids.slice(0, 1000).join(",");
}

function saveList() {
  const ids = selectedIds();
  if (ids.length === 0) return notice("Select pictures first.", true);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([`image\n${ids.join("\n")}\n`], { type: "text/csv" }));
  link.download = "pictures.csv";
  link.click();
  URL.revokeObjectURL(link.href);
}

export const actions = {
  help: () => document.getElementById("help").showModal(),
  label: (button) => labelSelected(button.dataset.label),
  clear: () => labelSelected(""),
  undo: takeBack,
  all: selectAll,
  list: saveList,
  review: () => (grid || document.getElementById("one")) && go(selectedIds(), "/review?queue=list&ids="),
  remove: async () => {
    const ids = selectedIds();
    if (!(await remove(ids))) return;
    const gone = new Set(ids);
    if (document.getElementById("total")) total(Number(document.getElementById("total").dataset.total) - gone.size);
    cards().filter((card) => gone.has(Number(card.dataset.id))).forEach((card) => card.remove());
    clear();
    move(at);
  },
};

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (button && actions[button.dataset.do]) {
    event.preventDefault();
    actions[button.dataset.do](button);
    return;
  }
  const card = event.target.closest("#grid .card");
  if (!card) return;
  const place = cards().indexOf(card);
  if (event.shiftKey) {
    event.preventDefault();
    move(place, { extend: true });
  } else if (event.ctrlKey || event.metaKey || !event.target.closest("a")) {
    event.preventDefault();
    everything = null;
    select(card, !isSelected(card));
    move(place);
  }
});

const typing = (target) => target.closest("input, select, textarea, dialog[open]");

// Keys of a page come first; each says whether it has taken the key.
export const keys = [];
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && typing(event.target)) return event.target.blur();
  if (event.target.id === "kind" && event.key === "Enter") {
    event.preventDefault();
    const kind = kindTyped();
    if (kind) actions.label({ dataset: { label: kinds[kind] } });
    return undefined;
  }
  if (typing(event.target) || event.altKey) return undefined;
  // A key that is held down moves on, and writes only once.
  if (event.repeat && /^([0-9zZ]|Delete)$/.test(event.key)) return event.preventDefault();
  if (keys.some((key) => key(event))) return event.preventDefault();
  if ((event.ctrlKey || event.metaKey) && event.key === "a" && grid) {
    event.preventDefault();
    return selectAll();
  }
  if (event.ctrlKey || event.metaKey) return undefined;
  const moves = grid && { ArrowRight: at + 1, ArrowLeft: at - 1, ArrowDown: at + perRow(), ArrowUp: at - perRow(), Home: 0, End: cards().length - 1 };
  if (moves && event.key in moves) {
    event.preventDefault();
    const first = at < 0 && event.key.startsWith("Arrow");
    return move(first ? 0 : moves[event.key], { extend: event.shiftKey });
  }
  const number = /^[1-9]$/.test(event.key) ? classes[Number(event.key) - 1] : undefined;
  const done = {
    "/": () => document.getElementById("search")?.focus(),
    "?": actions.help,
    r: () => actions.review?.(),
    R: () => actions.review?.(),
    z: actions.undo,
    Z: actions.undo,
    0: () => classes.length && actions.clear(),
    Delete: () => grid && actions.remove(),
    Escape: clear,
    " ": () => at >= 0 && (select(cards()[at], !isSelected(cards()[at])), (everything = null), showSelected()),
    Enter: () => at >= 0 && (location.href = `/picture/${cards()[at].dataset.id}`),
  }[event.key];
  if (number !== undefined) {
    event.preventDefault();
    return actions.label({ dataset: { label: number } });
  }
  // A button or a link that has the focus keeps the keys that press it.
  const pressed = [" ", "Enter"].includes(event.key) && (!grid || event.target.closest("button, summary, a"));
  if (done && !pressed) {
    event.preventDefault();
    done();
  }
  return undefined;
});

// In place of what the grid shows: what is like a picture that was dropped.
export function showLike(html, name) {
  grid.innerHTML = html;
  at = -1;
  byPicture = true;
  clear();
  total(cards().length);
  const chip = document.createElement("a");
  const told = document.createElement("span");
  chip.className = "chip";
  chip.href = location.href;
  chip.title = "Search without this";
  told.textContent = `like ${name}`;
  chip.append(told, " ✕");
  document.getElementById("asked").replaceChildren(chip);
  document.getElementById("judging")?.remove();
  hush();
  move(0);
}

// --- htmx: what went wrong is said, and what comes into a grid that is selected is selected --------

document.addEventListener("htmx:responseError", (event) => {
  const told = document.createElement("div");
  told.innerHTML = event.detail.xhr.responseText;
  notice(told.textContent.trim().slice(0, 400) || "The page did not answer.", true);
});
document.addEventListener("htmx:sendError", () => notice(SILENT, true));
// More pictures are on their way before anybody sees the end of those that are there.
const nearing = new IntersectionObserver(
  (seen) => seen.filter((one) => one.isIntersecting).forEach((one) => one.target.dispatchEvent(new Event("further"))),
  { rootMargin: "1500px" },
);
document.addEventListener("htmx:load", () => {
  nearing.disconnect();
  document.querySelectorAll("#grid .further").forEach((link) => nearing.observe(link));
  if (everything) cards().forEach((card) => select(card));
});
if (sessionStorage.getItem(TOLD)) {
  notice(sessionStorage.getItem(TOLD));
  sessionStorage.removeItem(TOLD);
}
if (grid) showSelected();
