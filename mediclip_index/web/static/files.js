// Files that are dropped, pasted or chosen: asked for verdicts, or for pictures like them.
import { grid, showLike } from "./page.js";
import { count, notice, readOnly } from "./writing.js";

async function fetched(path, file) {
  try {
    const answer = await fetch(path, {
      method: "POST", body: file,
      headers: { "Content-Type": "application/octet-stream", "X-Filename": encodeURIComponent(file.name || "pasted.png"), "X-Fragment": "yes" },
    });
    const text = await answer.text();
    if (answer.ok) return text;
    return text.trim().startsWith("<p") ? text : `<p class="wrong">The page answered ${answer.status}.</p>`;
  } catch {
    return `<p class="wrong">The page does not answer; it has ended, or the file is larger than it takes.</p>`;
  }
}

async function searchLike(file) {
  if (!grid || !file) return;
  notice(`Looking for pictures like ${file.name} …`);
  showLike(await fetched("/search/picture", file), file.name);
}
document.getElementById("picture")?.addEventListener("change", (event) => searchLike(event.target.files[0]));

const drop = document.getElementById("drop");
const answers = document.getElementById("answers");
async function ask(files) {
  for (const file of files) {
    const waiting = document.createElement("article");
    waiting.className = "answer";
    waiting.innerHTML = "<p class=note></p>";
    waiting.firstChild.textContent = `${file.name || "pasted picture"} …`;
    answers.prepend(waiting);
    const html = await fetched("/ask", file);
    const told = document.createElement("div");
    told.innerHTML = html;
    const seen = told.querySelector(".answer .seen");
    if (file.type.startsWith("image/") && seen && !seen.firstElementChild) {
      const shown = document.createElement("img");
      shown.alt = `The picture ${file.name || "that was pasted"}`;
      shown.onload = () => URL.revokeObjectURL(shown.src);
      shown.onerror = () => shown.remove(); // of a format that the browser can't show
      shown.src = URL.createObjectURL(file);
      seen.replaceChildren(shown);
    }
    if (!readOnly && !drop.dataset.hashed) [...told.querySelectorAll(".then")].at(-1)?.append(keepButton(file));
    waiting.replaceWith(...told.children);
  }
}

function keepButton(file) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = `Keep ${file.name || "it"} in the index`;
  button.addEventListener("click", async () => {
    button.disabled = true;
    const text = await fetched("/api/v1/keep", file);
    try {
      const report = JSON.parse(text);
      if (report.error) throw new Error(report.error);
      button.textContent = report.added ? `Kept: ${count(report.added)} added` : report.refused.length ? report.refused[0].message : "It was in the index already";
    } catch (error) {
      button.disabled = false;
      notice(error.message, true);
    }
  });
  return button;
}

if (drop) {
  drop.addEventListener("submit", (event) => {
    event.preventDefault();
    ask([...document.getElementById("files").files]);
  });
  drop.querySelector("button").hidden = true; // chosen is asked
  document.getElementById("files").addEventListener("change", () => ask([...document.getElementById("files").files]));
}
for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    if (![...(event.dataTransfer?.types || [])].includes("Files")) return;
    event.preventDefault();
    (drop || grid)?.classList.toggle("over", kind === "dragover");
    if (kind !== "drop") return;
    const files = [...event.dataTransfer.files];
    if (drop) ask(files);
    else searchLike(files[0]);
  });
}
document.addEventListener("paste", (event) => {
  const files = [...(event.clipboardData?.files || [])];
  if (files.length === 0) return;
  event.preventDefault();
  if (drop) ask(files);
  else searchLike(files[0]);
});
