// All images as points: drawn pixel by pixel into one picture, so that neither WebGL nor a graphics
// card is asked for; a million takes some hundredths of a second. While it moves, fewer are drawn.
import { actions, keys } from "./page.js";
import { api, label, notice } from "./writing.js";

const canvas = document.getElementById("map");
const over = document.getElementById("over");
const tip = document.getElementById("tip");
const MOST_PIXELS = 3e6;
const WHILE_MOVING = 250000;
const dark = matchMedia("(prefers-color-scheme: dark)");
// Of equal lightness steps and told apart by the colour-blind (Okabe and Ito 2008).
const LIGHT = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#56b4e9", "#7a5c00", "#6a3d9a", "#333333", "#8c2d04", "#01665e", "#c51b7d"];
const DARK = ["#56b4e9", "#ff9d5c", "#3fd6a4", "#f0a6cf", "#f0e442", "#9ad1f5", "#e5c87a", "#c4a5f0", "#dddddd", "#ffb08a", "#7fd9cf", "#ff9ccf"];
const NONE = { light: "#8b949e", dark: "#6e7781" };
const state = { n: 0, ids: null, x: null, y: null, value: null, names: [], order: null, scale: 1, cx: 0, cy: 0, chosen: new Set() };
const FEW = 90; // points in view that are shown as their pictures
const thumbs = new Map();
let pixels = null;
let frame = 0;
let moving = 0;

const rgba = (hex) => 0xff000000 | (parseInt(hex.slice(5, 7), 16) << 16) | (parseInt(hex.slice(3, 5), 16) << 8) | parseInt(hex.slice(1, 3), 16);
const palette = () => (dark.matches ? DARK : LIGHT);

async function load() {
  const by = document.getElementById("colour").value;
  const answer = await fetch(`/map/points?colour=${encodeURIComponent(by)}`);
  if (!answer.ok) return notice("The map can't be read; is `mediclip-index serve` still running?", true);
  const data = await answer.arrayBuffer();
  const length = new DataView(data).getUint32(0, true);
  const { names, n } = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)));
  let from = 4 + length;
  state.ids = new Float64Array(data, from, n);
  from += 8 * n;
  state.x = new Float32Array(data, from, n);
  from += 4 * n;
  state.y = new Float32Array(data, from, n);
  from += 4 * n;
  state.value = new Uint8Array(data, from, n);
  Object.assign(state, { names, n, order: shuffled(n) });
  legend();
  draw();
  return undefined;
}

// A fixed order of chance, so that no class is painted over by another, and a part is like the whole.
function shuffled(n) {
  const order = new Uint32Array(n);
  for (let i = 0; i < n; i += 1) order[i] = i;
  let seed = 12345;
  for (let i = n - 1; i > 0; i -= 1) {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    const j = seed % (i + 1);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

function legend() {
  const list = document.getElementById("legend");
  const items = state.names.map((name, n) => [name, palette()[n]]);
  if (state.value.includes(255)) items.push(["none or other", dark.matches ? NONE.dark : NONE.light]);
  list.replaceChildren(...items.map(([name, colour]) => {
    const item = document.createElement("li");
    const dot = document.createElement("i");
    dot.style.background = colour;
    item.append(dot, name);
    return item;
  }));
}

function size() {
  const box = canvas.getBoundingClientRect();
  let ratio = window.devicePixelRatio || 1;
  if (box.width * box.height * ratio * ratio > MOST_PIXELS) ratio = Math.sqrt(MOST_PIXELS / (box.width * box.height));
  const [w, h] = [Math.max(1, Math.round(box.width * ratio)), Math.max(1, Math.round(box.height * ratio))];
  if (canvas.width !== w || canvas.height !== h) {
    for (const one of [canvas, over]) [one.width, one.height] = [w, h];
    pixels = null;
  }
}

// From the map's [-1, 1] to pixels: x right, y up, with a little border. Likeness is what counts,
// not angles, so the map is stretched to the room that there is.
function view() {
  const [wide, tall] = [canvas.width, canvas.height].map((side) => (side / 2) * 0.94 * state.scale);
  return { wide, tall, left: canvas.width / 2 - state.cx * wide, top: canvas.height / 2 + state.cy * tall };
}

function draw() {
  cancelAnimationFrame(frame);
  frame = requestAnimationFrame(() => paint());
}

function paint(few = moving > 0) {
  if (!state.n) return;
  size();
  const context = canvas.getContext("2d");
  const [w, h] = [canvas.width, canvas.height];
  pixels ??= context.createImageData(w, h);
  const out = new Uint32Array(pixels.data.buffer);
  out.fill(0);
  const { wide, tall, left, top } = view();
  const colours = new Uint32Array(256).fill(rgba(dark.matches ? NONE.dark : NONE.light));
  palette().forEach((hex, n) => (colours[n] = rgba(hex)));
  const { x, y, value, order } = state;
  const n = few ? Math.min(state.n, WHILE_MOVING) : state.n;
  const side = sideOf();
  const spans = disc(side);
  const middle = side >> 1;
  const visible = [];
  for (let k = 0; k < n; k += 1) {
    const i = order[k];
    const px = ((left + x[i] * wide) | 0) - middle;
    const py = ((top - y[i] * tall) | 0) - middle;
    if (px < 0 || py < 0 || px >= w - side || py >= h - side) continue;
    const colour = colours[value[i]];
    let row = py * w + px;
    if (side === 1) out[row] = colour;
    else for (let r = 0; r < side; r += 1, row += w) out.fill(colour, row + spans[r], row + side - spans[r]);
    if (visible.length <= FEW) visible.push(i);
  }
  context.putImageData(pixels, 0, 0);
  delete canvas.dataset.pictures;
  if (visible.length <= FEW) picture(context, visible);
  mark();
  canvas.dataset.drawn = String(n);
}

// The diameter of a point: the fewer there are, and the nearer they are looked at, the larger.
function sideOf() {
  // A sixth of the distance that points would have, were they spread evenly; more when zoomed in.
  const apart = Math.sqrt((canvas.width * canvas.height) / state.n) * Math.sqrt(state.scale);
  return Math.max(1, Math.min(9, Math.round(apart / 6)), state.n < 200 ? Math.round(9 * ratio()) : 1);
}

// What each row of a disc leaves free at either side.
function disc(side) {
  const r = side / 2;
  return Array.from({ length: side }, (_, n) => Math.round(r - Math.sqrt(r * r - (n + 0.5 - r) ** 2)));
}

const ratio = () => canvas.width / (canvas.getBoundingClientRect().width || 1);

const pictureSide = (n) => Math.round((n > 40 ? 34 : 48) * ratio());

// The few points in view, as their pictures framed by their colour.
function picture(context, visible) {
  const side = pictureSide(visible.length);
  if (thumbs.size > 500) thumbs.clear();
  const { wide, tall, left, top } = view();
  const colours = [...palette()];
  context.lineWidth = Math.max(2, Math.round(2.5 * ratio()));
  for (const i of visible) {
    const id = state.ids[i];
    if (!thumbs.has(id)) {
      const image = new Image();
      image.onload = draw;
      image.src = `/api/v1/images/${id}/preview?side=240`;
      thumbs.set(id, image);
    }
    const image = thumbs.get(id);
    const longer = Math.max(image.naturalWidth, image.naturalHeight);
    if (!image.complete || !longer) continue;
    const [w, h] = [(side * image.naturalWidth) / longer, (side * image.naturalHeight) / longer];
    const [px, py] = [left + state.x[i] * wide - w / 2, top - state.y[i] * tall - h / 2];
    context.drawImage(image, px, py, w, h);
    context.strokeStyle = colours[state.value[i]] || (dark.matches ? NONE.dark : NONE.light);
    context.strokeRect(px, py, w, h);
  }
  canvas.dataset.pictures = String(visible.length);
}

// What is selected, ringed; a selection of very many is only counted.
function mark() {
  const context = over.getContext("2d");
  context.clearRect(0, 0, over.width, over.height);
  const { wide, tall, left, top } = view();
  context.strokeStyle = dark.matches ? "#fff" : "#000";
  context.lineWidth = (canvas.dataset.pictures ? 2.5 : 1.5) * ratio();
  if (state.chosen.size && state.chosen.size <= 20000) {
    const few = Number(canvas.dataset.pictures);
    const radius = (few ? 0.72 * pictureSide(few) : sideOf() / 2) + 2.5 * ratio();
    context.beginPath();
    for (const i of state.chosen) {
      const [px, py] = [left + state.x[i] * wide, top - state.y[i] * tall];
      context.moveTo(px + radius, py);
      context.arc(px, py, radius, 0, 7);
    }
    context.stroke();
  }
  if (lasso.length > 1) {
    context.setLineDash([5, 4]);
    context.beginPath();
    lasso.forEach(([px, py], n) => (n ? context.lineTo(px, py) : context.moveTo(px, py)));
    context.closePath();
    context.stroke();
    context.setLineDash([]);
  }
  document.getElementById("selected").textContent = state.chosen.size ? `${state.chosen.size.toLocaleString("en")} selected` : "";
}

// --- selecting -----------------------------------------------------------------------------------

let lasso = [];
function inside(px, py, polygon) {
  let within = false;
  for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i, i += 1) {
    const [xi, yi] = polygon[i];
    const [xj, yj] = polygon[j];
    if (yi > py !== yj > py && px < ((xj - xi) * (py - yi)) / (yj - yi) + xi) within = !within;
  }
  return within;
}

function choose(polygon) {
  const { wide, tall, left, top } = view();
  const [xs, ys] = [polygon.map((p) => p[0]), polygon.map((p) => p[1])];
  const [x0, x1, y0, y1] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  state.chosen = new Set();
  for (let i = 0; i < state.n; i += 1) {
    const [px, py] = [left + state.x[i] * wide, top - state.y[i] * tall];
    if (px >= x0 && px <= x1 && py >= y0 && py <= y1 && inside(px, py, polygon)) state.chosen.add(i);
  }
  mark();
}

function chooseMiddle() {
  const [w, h] = [canvas.width, canvas.height];
  const radius = Math.min(w, h) / 5;
  const circle = Array.from({ length: 40 }, (_, n) => [w / 2 + radius * Math.cos((n * Math.PI) / 20), h / 2 + radius * Math.sin((n * Math.PI) / 20)]);
  lasso = circle;
  choose(circle);
}

const chosenIds = () => [...state.chosen].map((i) => state.ids[i]);

// --- moving --------------------------------------------------------------------------------------

function place(event) {
  const box = canvas.getBoundingClientRect();
  return [((event.clientX - box.left) * canvas.width) / box.width, ((event.clientY - box.top) * canvas.height) / box.height];
}

function zoom(factor, [px, py] = [canvas.width / 2, canvas.height / 2]) {
  const before = view();
  const [mx, my] = [(px - before.left) / before.wide, (before.top - py) / before.tall];
  state.scale = Math.max(0.5, Math.min(4000, state.scale * factor));
  const { wide, tall } = view();
  state.cx = mx - (px - canvas.width / 2) / wide;
  state.cy = my + (py - canvas.height / 2) / tall;
  settle();
}

function shift(dx, dy) {
  const { wide, tall } = view();
  state.cx -= dx / wide;
  state.cy += dy / tall;
  settle();
}

function settle() {
  clearTimeout(moving);
  moving = setTimeout(() => {
    moving = 0;
    draw();
  }, 140);
  tip.hidden = true;
  draw();
}

let held = null;
canvas?.addEventListener("pointerdown", (event) => {
  canvas.setPointerCapture(event.pointerId);
  held = { from: place(event), drawing: event.shiftKey, moved: false };
  if (!held.drawing) return;
  [lasso, state.chosen] = [[held.from], new Set()];
  mark();
});
canvas?.addEventListener("pointermove", (event) => {
  const here = place(event);
  if (!held) return point(event, here);
  // A hand that trembles while it clicks does not drag.
  held.moved ||= Math.hypot(here[0] - held.from[0], here[1] - held.from[1]) > 3 * ratio();
  if (!held.moved) return undefined;
  if (held.drawing) {
    lasso.push(here);
    return mark();
  }
  shift(here[0] - held.from[0], here[1] - held.from[1]);
  held.from = here;
  return undefined;
});
canvas?.addEventListener("pointerup", (event) => {
  const was = held;
  held = null;
  if (was?.drawing && lasso.length > 2) return choose(lasso);
  if (was && !was.moved) {
    const i = nearest(place(event));
    if (i >= 0) location.href = `/picture/${state.ids[i]}`;
  }
  return undefined;
});
canvas?.addEventListener("pointercancel", () => (held = null));
canvas?.addEventListener("wheel", (event) => {
  event.preventDefault();
  zoom(Math.exp(-event.deltaY * 0.0015), place(event));
}, { passive: false });
canvas?.addEventListener("pointerleave", () => (tip.hidden = true));

function nearest([px, py]) {
  const { wide, tall, left, top } = view();
  let best = -1;
  let least = ((canvas.dataset.pictures ? 20 : 10) * ratio()) ** 2;
  for (let i = 0; i < state.n; i += 1) {
    const dx = left + state.x[i] * wide - px;
    const dy = top - state.y[i] * tall - py;
    const distance = dx * dx + dy * dy;
    if (distance < least) [best, least] = [i, distance];
  }
  return best;
}

let pointing = 0;
function point(event, here) {
  clearTimeout(pointing);
  pointing = setTimeout(() => {
    const i = nearest(here);
    tip.hidden = i < 0;
    if (i < 0) return;
    const image = document.createElement("img");
    image.alt = "";
    image.src = `/api/v1/images/${state.ids[i]}/preview?side=240`;
    tip.replaceChildren(image, `#${state.ids[i]} ${state.names[state.value[i]] || ""}`);
    const box = canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left + 14, event.clientY - box.top + 14];
    tip.style.left = `${Math.min(x, box.width - 165)}px`;
    tip.style.top = `${Math.min(y, box.height - 190)}px`;
  }, 40);
}

if (canvas) {
  const say = async (name) => {
    if (state.chosen.size === 0) return notice("Draw around pictures first: Shift and drag, or L.", true);
    const report = await label(chosenIds(), name);
    if (!report) return undefined;
    [lasso, state.chosen] = [[], new Set()]; // so that the next key says nothing of the same again
    load();
    return report;
  };
  actions.label = (button) => say(button.dataset.label);
  actions.clear = () => say("");
  const plain = actions.undo;
  actions.undo = async () => {
    await plain();
    load();
  };
  actions.review = () => {
    if (state.chosen.size === 0) return notice("Draw around pictures first: Shift and drag, or L.", true);
    location.href = `/review?queue=list&ids=${chosenIds().slice(0, 1000).join(",")}`;
    return undefined;
  };
  actions.show = () => {
    if (state.chosen.size === 0) return notice("Draw around pictures first: Shift and drag, or L.", true);
    location.href = `/?ids=${chosenIds().slice(0, 400).join(",")}`;
    if (state.chosen.size > 400) notice("The Pile shows the first 400 of them.");
    return undefined;
  };
  const step = 60;
  keys.push((event) => {
    if (event.ctrlKey || event.metaKey) return false;
    const done = {
      "+": () => zoom(1.4), "=": () => zoom(1.4), "-": () => zoom(1 / 1.4),
      ArrowLeft: () => shift(step, 0), ArrowRight: () => shift(-step, 0), ArrowUp: () => shift(0, step), ArrowDown: () => shift(0, -step),
      l: chooseMiddle, L: chooseMiddle,
      Escape: () => { lasso = []; state.chosen = new Set(); mark(); },
    }[event.key];
    if (!done) return false;
    done();
    return true;
  });
  document.getElementById("colour").addEventListener("change", load);
  dark.addEventListener("change", () => { legend(); draw(); });
  new ResizeObserver(draw).observe(canvas);
  load();
  window.mediclipMap = { state, paint, api }; // for whoever measures it
}
