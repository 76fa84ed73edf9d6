// Long work: begun, watched and stopped.
import { api, notice, SILENT } from "./writing.js";

function watch(form, task) {
  const line = form.querySelector(".progress");
  const bar = line.querySelector("progress");
  line.hidden = false;
  for (const part of line.children) part.hidden = false;
  line.querySelector("span").className = "";
  line.querySelector("[data-do=stop]").onclick = () => api(`tasks/${task.id}`, undefined, "DELETE");
  const events = new EventSource(`/api/v1/tasks/${task.id}/events`);
  events.onerror = () => {
    events.close();
    line.hidden = true;
    notice(SILENT, true);
  };
  events.onmessage = ({ data }) => {
    const told = JSON.parse(data);
    if (told.total) [bar.max, bar.value] = [told.total, Math.min(told.done, told.total)];
    else bar.removeAttribute("value");
    const far = told.done ? told.done.toLocaleString("en") : "";
    line.querySelector("span").textContent = [told.what, far, told.total ? `of ${told.total.toLocaleString("en")}` : ""].join(" ");
    if (told.state === "running") return;
    events.close();
    if (told.state === "done") return location.assign(location.pathname);
    bar.hidden = true; // what went wrong stays to be read
    line.querySelector("button").hidden = true;
    line.querySelector("span").textContent = told.error || told.state;
    line.querySelector("span").className = told.state === "failed" ? "wrong" : "";
  };
}

const forms = [...document.querySelectorAll("form.task")];
for (const form of forms) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const split = form.elements.split?.value;
    const task = await api("tasks", { kind: form.dataset.task, ...(split ? { split } : {}) });
    if (task) watch(form, task);
  });
}
if (forms.length) {
  api("tasks").then((told) => {
    const running = told?.tasks.find((task) => task.state === "running");
    const form = forms.find((one) => one.dataset.task === running?.kind);
    if (form) watch(form, running);
  });
}
