"use strict";
// Marks pictures by keys and writes them as a CSV for `mediclip-index label import`. Asks for nothing
// from anywhere. A mark is a class, and a kind of it where one was typed.
(() => {
  const bar = document.getElementById("marks");
  const cards = [...document.querySelectorAll("[data-picture]")];
  const classes = JSON.parse(bar.dataset.classes);
  const classOf = new Map(Object.entries(JSON.parse(bar.dataset.kinds)));
  const field = document.getElementById("kind");
  const marks = new Map();
  const past = [];
  const keyOf = (card) => {
    const p = JSON.parse(card.dataset.picture);
    return p.image === null ? JSON.stringify([p.path, p.page, p.item]) : `#${p.image}`;
  };
  let at = -1;
  let saved = true;

  function show() {
    for (const card of cards) {
      const mark = marks.get(keyOf(card));
      if (mark === undefined) delete card.dataset.mark;
      else card.dataset.mark = mark.kind ? `${mark.label}: ${mark.kind}` : mark.label;
    }
    document.getElementById("count").textContent = `${marks.size} marked`;
    document.getElementById("save").disabled = marks.size === 0;
  }

  function move(to) {
    if (cards.length === 0) return;
    if (at >= 0) cards[at].classList.remove("here");
    at = Math.max(0, Math.min(cards.length - 1, to));
    cards[at].classList.add("here");
    cards[at].focus({ preventScroll: true });
    cards[at].scrollIntoView({ block: "nearest" });
  }

  function row(down) {
    if (at < 0) return move(0);
    const here = cards[at].getBoundingClientRect();
    const distance = (card) => {
      const box = card.getBoundingClientRect();
      const away = down ? box.top - here.top : here.top - box.top;
      return away < 4 ? Infinity : 1000 * away + Math.abs(box.left - here.left);
    };
    const best = cards.reduce((a, card, n) => (distance(card) < distance(cards[a]) ? n : a), at);
    move(best);
  }

  function set(label, kind = "") {
    if (at < 0) move(0);
    if (at < 0) return;
    const key = keyOf(cards[at]);
    past.push([at, key, marks.get(key)]);
    if (label === undefined) marks.delete(key);
    else marks.set(key, { label, kind });
    saved = false;
    show();
    move(at + 1);
  }

  // Marks with the kind that was typed; a name that is no kind stays in the field.
  function setKind() {
    const kind = field.value.trim().toLowerCase().replace(/[ -]+/g, "_");
    if (!classOf.has(kind)) {
      field.setCustomValidity(`There is no kind ${field.value}.`);
      field.reportValidity();
      return;
    }
    field.value = "";
    set(classOf.get(kind), kind);
  }

  function undo() {
    if (past.length === 0) return;
    const [place, key, before] = past.pop();
    if (before === undefined) marks.delete(key);
    else marks.set(key, before);
    saved = false;
    show();
    move(place);
  }

  function csv() {
    const cell = (value) => {
      const text = value === null || value === undefined ? "" : String(value);
      return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    };
    const lines = ["image,path,page,item,label,kind,index_id"];
    const written = new Set();
    for (const card of cards) {
      const key = keyOf(card);
      if (!marks.has(key) || written.has(key)) continue;
      written.add(key);
      const p = JSON.parse(card.dataset.picture);
      const { label, kind } = marks.get(key);
      lines.push([p.image, p.path, p.page, p.item, label, kind, bar.dataset.index].map(cell).join(","));
    }
    return lines.join("\n") + "\n";
  }

  function save() {
    if (marks.size === 0) return;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([csv()], { type: "text/csv" }));
    link.download = "marks.csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    saved = true;
  }

  const keys = new Map();
  classes.forEach((name, n) => {
    if (n < 9) keys.set(String(n + 1), name);
  });
  for (const name of classes) {
    const letter = name[0].toLowerCase();
    const alone = classes.filter((other) => other[0].toLowerCase() === letter).length === 1;
    if (alone && !"kszu".includes(letter)) keys.set(letter, name);
  }

  document.addEventListener("keydown", (event) => {
    if (event.target === field) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (key === "z" && (event.ctrlKey || event.metaKey)) undo();
    else if (event.ctrlKey || event.metaKey || event.altKey) return;
    else if (keys.has(key)) set(keys.get(key));
    else if (key === "Backspace" || key === "Delete" || key === "0") set(undefined);
    else if (key === "u" || key === "z") undo();
    else if (key === "s") save();
    else if (key === "k" && field) field.focus();
    else if (key === "ArrowRight") move(at + 1);
    else if (key === "ArrowLeft") move(at - 1);
    else if (key === "ArrowDown") row(true);
    else if (key === "ArrowUp") row(false);
    else return;
    event.preventDefault();
  });
  if (field) {
    field.addEventListener("input", () => field.setCustomValidity(""));
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter") setKind();
      else if (event.key === "Escape") move(at);
      else return;
      event.preventDefault();
    });
  }
  cards.forEach((card, n) => card.addEventListener("click", () => move(n)));
  for (const button of bar.querySelectorAll("[data-number]")) {
    button.addEventListener("click", () => set(classes[Number(button.dataset.number)]));
  }
  document.getElementById("undo").addEventListener("click", undo);
  document.getElementById("save").addEventListener("click", save);
  window.addEventListener("beforeunload", (event) => {
    if (!saved) event.preventDefault();
  });
  show();
})();
