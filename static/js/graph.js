// Zoom, drag and arrow keys over a drawn graph (components/graph.html). data-next: places of a block's successors.

const STEP = 1.25;
const graphs = new WeakMap();
const on = (type, run, options) => document.addEventListener(type, run, options);
const stateOf = (event, part) => {
  const found = event.target.closest?.(`[data-graph] ${part}`);
  return found && [graphs.get(found.closest("[data-graph]")), found];
};
const at = (block) => block.transform.baseVal[0].matrix;

function setUp(graph) {
  const pane = graph.querySelector(".flow"), svg = pane.querySelector("svg");
  const blocks = [...graph.querySelectorAll("a[data-key]")], previous = blocks.map(() => []);
  if (graphs.has(graph) || !blocks.length) return;
  const next = blocks.map((block) => (block.dataset.next?.split(" ") ?? []).map(Number));
  next.forEach((targets, from) => targets.forEach((to) => previous[to]?.push(from)));
  const state = { graph, pane, svg, blocks, next, previous, size: svg.viewBox.baseVal, zoom: 1, came: new Map() };
  graphs.set(graph, state);
  graph.dataset.live = "";
  const first = blocks.find((block) => block.hasAttribute("aria-current")) ?? blocks[0];
  stop(state, first);
  const fit = fitting(state);
  zoomTo(state, fit > 0.85 && fit < 1 ? fit : 1);
  const [x, y] = spot(state, first);
  pane.scrollBy(x - pane.clientWidth / 2 + 92, y - pane.clientHeight / 2 + 28);
  drawOverview(state);
}

// One stop for the Tab key.
const stop = ({ blocks }, block) => blocks.forEach((b) => b.setAttribute("tabindex", b === block ? 0 : -1));

const fitting = ({ pane, size }) => Math.min((pane.clientWidth - 2) / size.width, (innerHeight * 0.7) / size.height);

// The point (x, y) of the pane stays.
function zoomTo(state, wanted, x = state.pane.clientWidth / 2, y = state.pane.clientHeight / 2) {
  const { pane, svg, size, graph } = state;
  const zoom = Math.min(2.5, Math.max(0.02, wanted)), part = zoom / state.zoom;
  const to = [(pane.scrollLeft + x) * part - x, (pane.scrollTop + y) * part - y];
  state.zoom = zoom;
  graph.classList.toggle("far", zoom < 0.35);
  for (const side of ["width", "height"]) svg.setAttribute(side, size[side] * zoom);
  pane.scrollTo(...to);
  graph.querySelector("output").value = `${Math.round(zoom * 100)}%`;
  state.mark?.();
}

const spot = ({ pane, zoom }, block) => [at(block).e * zoom - pane.scrollLeft, at(block).f * zoom - pane.scrollTop];

function focus(state, to, from) {
  const block = state.blocks[to];
  stop(state, block ?? document.activeElement);
  if (from >= 0) state.came.set(to, from);
  block?.focus();
}

// Left: back to where one came from. Up, down: what the same block leads to, else what leads to the same.
function follow(state, here, key) {
  const { next, previous, came, blocks } = state, cameFrom = came.get(here);
  const before = previous[here].includes(cameFrom) ? cameFrom : previous[here][0], after = next[here][0];
  if (key === "ArrowRight") return focus(state, next[here].find((to) => cameFrom === to) ?? after, here);
  if (key === "ArrowLeft") return focus(state, before, next[before]?.length > 1 ? here : undefined);
  const list = next[before]?.length > 1 ? next[before] : previous[after] ?? blocks.keys();
  const sorted = [...list].sort((a, b) => at(blocks[a]).f - at(blocks[b]).f);
  focus(state, sorted[sorted.indexOf(here) + (key === "ArrowDown" ? 1 : -1)], before);
}

on("keydown", (event) => {
  const [state, block] = stateOf(event, "a[data-key]") ?? [];
  if (!state || event.ctrlKey || event.metaKey || event.altKey) return;
  const part = { "+": STEP, "=": STEP, "-": 1 / STEP, 0: 1 / state.zoom }[event.key];
  if (part) zoomTo(state, state.zoom * part, ...spot(state, block));
  else if (event.key.startsWith("Arrow")) follow(state, state.blocks.indexOf(block), event.key);
  else return;
  event.preventDefault();
});

on("click", (event) => {
  const [state, button] = stateOf(event, "[data-zoom]") ?? [];
  if (state) zoomTo(state, { fit: Math.min(1, fitting(state)), in: state.zoom * STEP, out: state.zoom / STEP }[button.dataset.zoom]);
});

on("wheel", (event) => {
  const [state, pane] = (event.ctrlKey && stateOf(event, ".flow")) || [];
  if (!state) return;
  event.preventDefault();
  const box = pane.getBoundingClientRect();
  zoomTo(state, state.zoom * Math.exp(-event.deltaY / 300), event.clientX - box.left, event.clientY - box.top);
}, { passive: false });

// A drag moves the paper and opens no link.
let drag;
on("pointerdown", (event) => {
  const { clientX: x, clientY: y } = event, [, pane] = stateOf(event, ".flow") ?? [];
  drag = pane && event.pointerType === "mouse" && { pane, x, y, left: pane.scrollLeft + x, top: pane.scrollTop + y };
});
on("pointermove", ({ clientX: x, clientY: y, buttons }) => {
  if (!drag || buttons !== 1) return;
  if (drag.moved ||= Math.hypot(x - drag.x, y - drag.y) > 4) drag.pane.scrollTo(drag.left - x, drag.top - y);
});
on("click", (event) => event.detail && drag?.moved && event.preventDefault(), true);
on("dragstart", (event) => drag && event.preventDefault());

// A wide drawing small in a corner.
function drawOverview(state) {
  const { graph, pane, size, blocks } = state, scale = Math.min(220 / size.width, 130 / size.height);
  if (size.width < 2 * pane.clientWidth) return;
  const canvas = document.createElement("canvas"), pen = canvas.getContext("2d"), ink = getComputedStyle(canvas);
  canvas.className = "over";
  canvas.width = size.width * scale;
  canvas.height = Math.max(24, size.height * scale);
  const down = canvas.height / size.height;
  state.mark = () => {
    pen.clearRect(0, 0, canvas.width, canvas.height);
    for (const block of blocks) {
      pen.fillStyle = block.querySelector(".h2, .h3") ? ink.outlineColor : ink.borderTopColor;
      pen.fillRect(at(block).e * scale, at(block).f * down, 184 * scale, 56 * down);
    }
    const x = scale / state.zoom, y = down / state.zoom;
    pen.strokeStyle = ink.color;
    pen.strokeRect(pane.scrollLeft * x, pane.scrollTop * y, pane.clientWidth * x, pane.clientHeight * y);
  };
  canvas.onclick = ({ offsetX: x, offsetY: y }) =>
    pane.scrollTo(x / scale * state.zoom - pane.clientWidth / 2, y / down * state.zoom - pane.clientHeight / 2);
  pane.addEventListener("scroll", state.mark, { passive: true });
  graph.append(canvas);
  state.mark();
}

const setUpAll = () => document.querySelectorAll("[data-graph]").forEach(setUp);
on("htmx:after:swap", setUpAll);
setUpAll();
