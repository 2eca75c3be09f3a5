// Zoom, drag and arrow keys over the server-drawn graph of a flow (templates/components/graph.html). The drawing needs
// none of this: it scrolls, and its blocks are links. data-next holds the places of a block's successors among all blocks.

const STEPS = 1.25, LEAST = 0.02, MOST = 2.5, READABLE = 0.85, FAR = 0.35;
const known = new WeakMap();

const blocksOf = (graph) => [...graph.querySelectorAll("a[data-key]")];

function setUp(graph) {
  if (known.has(graph)) return;
  const pane = graph.querySelector(".flow"), svg = pane.querySelector("svg");
  const size = svg.viewBox.baseVal, blocks = blocksOf(graph);
  const next = blocks.map((block) => (block.dataset.next ?? "").split(" ").filter(Boolean).map(Number));
  const previous = blocks.map(() => []);
  next.forEach((targets, at) => targets.forEach((target) => previous[target]?.push(at)));
  const state = { graph, pane, svg, size, blocks, next, previous, zoom: 1, came: new Map() };
  known.set(graph, state);
  graph.querySelector(".tools").hidden = false;
  graph.dataset.live = "";
  // One stop for the Tab key; arrows go on from there.
  const current = blocks.find((block) => block.hasAttribute("aria-current")) ?? blocks[0];
  blocks.forEach((block) => block.setAttribute("tabindex", block === current ? 0 : -1));
  const fit = fitting(state);
  zoomTo(state, fit >= READABLE && fit < 1 ? fit : 1);
  if (current) show(current, "center");
  drawOverview(state);
}

const fitting = ({ pane, size }) => Math.min((pane.clientWidth - 2) / size.width, (innerHeight * 0.7) / size.height);

// The point under (x, y) of the pane stays where it is.
function zoomTo(state, wanted, x = state.pane.clientWidth / 2, y = state.pane.clientHeight / 2) {
  const { pane, svg, size } = state;
  const zoom = Math.min(MOST, Math.max(LEAST, wanted)), part = zoom / state.zoom;
  const left = (pane.scrollLeft + x) * part - x, top = (pane.scrollTop + y) * part - y;
  state.zoom = zoom;
  state.graph.classList.toggle("far", zoom < FAR);
  svg.setAttribute("width", Math.round(size.width * zoom));
  svg.setAttribute("height", Math.round(size.height * zoom));
  pane.scrollTo(left, top);
  state.graph.querySelector(".tools output").value = `${Math.round(zoom * 100)}%`;
  markView(state);
}

// Scrolls the pane only, never the page under the reader.
function show(block, where = "nearest") {
  const pane = block.closest(".flow"), box = block.getBoundingClientRect(), frame = pane.getBoundingClientRect();
  const by = (low, high, from, to) => where === "center" ? (low + high - from - to) / 2
    : low < from + 24 ? low - from - 24 : high > to - 24 ? Math.min(high - to + 24, low - from - 24) : 0;
  pane.scrollBy(by(box.left, box.right, frame.left, frame.right), by(box.top, box.bottom, frame.top, frame.bottom));
}

function focus(state, at, from) {
  const block = state.blocks[at];
  if (!block) return;
  state.blocks.forEach((other) => other.setAttribute("tabindex", other === block ? 0 : -1));
  if (from !== undefined) state.came.set(at, from);
  block.focus({ preventScroll: true });
  block.closest(".flow").scrollIntoView({ block: "nearest" });
  show(block);
}

// Siblings: what the same block leads to; else what leads to the same block; else the blocks of the same column.
function siblings({ previous, next, blocks, came }, at) {
  const before = previous[at].includes(came.get(at)) ? came.get(at) : previous[at][0];
  if (before !== undefined && next[before].length > 1) return next[before];
  if (next[at].length && previous[next[at][0]].length > 1) return previous[next[at][0]];
  const column = (block) => Math.round(block.transform.baseVal[0].matrix.e / 40);
  return blocks.map((_, i) => i).filter((i) => column(blocks[i]) === column(blocks[at]));
}

const height = (state, at) => state.blocks[at].transform.baseVal[0].matrix.f;

function follow(state, at, key) {
  const { next, previous, came } = state;
  if (key === "ArrowRight") return focus(state, next[at].find((to) => came.get(at) === to) ?? next[at][0], at);
  if (key === "ArrowLeft") {
    const to = previous[at].includes(came.get(at)) ? came.get(at) : previous[at][0];
    return focus(state, to, next[to]?.length > 1 ? at : undefined);
  }
  const list = [...siblings(state, at)].sort((a, b) => height(state, a) - height(state, b));
  const to = list[list.indexOf(at) + (key === "ArrowDown" ? 1 : -1)];
  if (to !== undefined) focus(state, to, previous[to].includes(came.get(at)) ? came.get(at) : undefined);
}

document.addEventListener("keydown", (event) => {
  const block = event.target.closest?.("[data-graph] a[data-key]");
  if (!block || event.ctrlKey || event.metaKey || event.altKey) return;
  const state = known.get(block.closest("[data-graph]"));
  if (!state) return;
  const zoom = { "+": STEPS, "=": STEPS, "-": 1 / STEPS, 0: 1 / state.zoom }[event.key];
  if (zoom) zoomTo(state, state.zoom * zoom);
  else if (event.key.startsWith("Arrow")) follow(state, state.blocks.indexOf(block), event.key);
  else return;
  event.preventDefault();
  if (zoom) show(block);
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-graph] [data-zoom]");
  const state = button && known.get(button.closest("[data-graph]"));
  if (!state) return;
  const way = button.dataset.zoom;
  zoomTo(state, way === "fit" ? Math.min(1, fitting(state)) : state.zoom * (way === "in" ? STEPS : 1 / STEPS));
});

document.addEventListener("wheel", (event) => {
  const pane = event.ctrlKey && event.target.closest?.("[data-graph] .flow");
  const state = pane && known.get(pane.closest("[data-graph]"));
  if (!state) return;
  event.preventDefault();
  const box = pane.getBoundingClientRect();
  zoomTo(state, state.zoom * Math.exp(-event.deltaY / 300), event.clientX - box.left, event.clientY - box.top);
}, { passive: false });

// Drag with the mouse moves the paper; a press that moved opens no link.
document.addEventListener("pointerdown", (event) => {
  const pane = event.target.closest?.("[data-graph] .flow");
  if (!pane || event.button || event.pointerType !== "mouse") return;
  const { scrollLeft, scrollTop } = pane, { clientX, clientY } = event;
  let moved = false;
  const move = (e) => {
    moved ||= Math.hypot(e.clientX - clientX, e.clientY - clientY) > 4;
    if (moved) pane.scrollTo(scrollLeft + clientX - e.clientX, scrollTop + clientY - e.clientY);
  };
  const stop = () => {
    removeEventListener("pointermove", move);
    if (moved) addEventListener("click", (e) => e.preventDefault(), { capture: true, once: true });
    setTimeout(() => moved = false);
  };
  addEventListener("pointermove", move);
  addEventListener("pointerup", stop, { once: true });
});
document.addEventListener("dragstart", (event) => event.target.closest?.("[data-graph] .flow") && event.preventDefault());

// The whole drawing small in a corner, where it does not fit; a press or drag there goes to the place.
function drawOverview(state) {
  const { graph, pane, size, blocks } = state;
  if (size.width * size.height < 4e6 || size.width < 2 * pane.clientWidth) return;
  const canvas = document.createElement("canvas"), scale = Math.min(220 / size.width, 130 / size.height);
  canvas.className = "over";
  canvas.width = Math.max(40, size.width * scale), canvas.height = Math.max(24, size.height * scale);
  canvas.setAttribute("aria-hidden", "true");
  const [across, down] = [canvas.width / size.width, canvas.height / size.height];
  const spots = blocks.map((block) => [block.transform.baseVal[0].matrix, block.querySelector("rect"), block.querySelector(".h2, .h3")]);
  state.mark = () => {
    canvas.hidden = pane.scrollWidth <= pane.clientWidth && pane.scrollHeight <= pane.clientHeight;
    const pen = canvas.getContext("2d"), ink = getComputedStyle(canvas);
    pen.clearRect(0, 0, canvas.width, canvas.height);
    for (const [{ e, f }, box, hot] of spots) {
      pen.fillStyle = hot ? ink.outlineColor : ink.borderTopColor;
      pen.fillRect(e * across, f * down, Math.max(1, box.width.baseVal.value * across), Math.max(1, 56 * down));
    }
    pen.strokeStyle = ink.color;
    pen.lineWidth = 2;
    const [x, y, w, h] = [pane.scrollLeft, pane.scrollTop, pane.clientWidth, pane.clientHeight].map((v) => v / state.zoom);
    pen.strokeRect(x * across + 1, y * down + 1, Math.min(w * across, canvas.width) - 2, Math.min(h * down, canvas.height) - 2);
  };
  const go = (event) => event.buttons && pane.scrollTo(
    (event.offsetX / across) * state.zoom - pane.clientWidth / 2, (event.offsetY / down) * state.zoom - pane.clientHeight / 2);
  canvas.addEventListener("pointerdown", go);
  canvas.addEventListener("pointermove", go);
  pane.addEventListener("scroll", () => requestAnimationFrame(state.mark), { passive: true });
  graph.append(canvas);
  state.mark();
}

const markView = (state) => state.mark && requestAnimationFrame(state.mark);

const setUpAll = () => document.querySelectorAll("[data-graph]").forEach(setUp);
document.addEventListener("htmx:after:swap", setUpAll);
setUpAll();
