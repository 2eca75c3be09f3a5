// The editor's mouse and keys over the forms of templates/flow_editor: cards and the dots at their right can be dragged,
// Delete removes the card in focus, Alt with an arrow moves it.
const find = (selector) => document.querySelector(selector);
const cardAt = (node) => node?.closest?.("#canvas a[data-key]");
const load = (verb, path, values) => htmx.ajax(verb, path, { source: "#editor-state", target: "#editor", swap: "outerHTML", values });
let isDrag, kept, back;

function send(action, values) {
  const { base, revision } = find("#editor").dataset;
  back = values.key;
  load("POST", `${base}/${action}`, { revision, ...values });
}

const draw = (parent, name, values) => {
  const node = document.createElementNS(parent.namespaceURI, name);
  for (const key in values) node.setAttribute(key, values[key]);
  return parent.appendChild(node);
};

addEventListener("pointerdown", (event) => {
  const card = cardAt(event.target);
  if (!card || event.button) return;
  event.stopPropagation();
  const { a: zoom } = card.getCTM(), { e: x, f: y } = card.transform.baseVal[0].matrix, { key } = card.dataset;
  const line = event.target.matches(".port") && draw(card, "path", { class: "edge" });
  let by;
  const move = ({ clientX, clientY }) => {
    const [dx, dy] = [(clientX - event.clientX) / zoom, (clientY - event.clientY) / zoom];
    if (!by && Math.hypot(dx, dy) < 4) return;
    by = [dx, dy];
    if (line) line.setAttribute("d", `M184 28l${dx} ${dy}`);
    else card.setAttribute("transform", `translate(${x + dx} ${y + dy})`);
  };
  addEventListener("pointermove", move);
  addEventListener("pointerup", ({ clientX, clientY }) => {
    removeEventListener("pointermove", move);
    if (line) line.remove();
    if (!by) return;
    isDrag = true;
    setTimeout(() => (isDrag = false));
    const target = cardAt(document.elementFromPoint(clientX, clientY))?.dataset.key;
    if (!line) send("move", { key, x: by[0], y: by[1], is_by: "y" });
    else if (target && target !== key) send("connect", { source: key, target });
  }, { once: true });
}, true);

addEventListener("click", (event) => {
  const card = cardAt(event.target);
  if (!card || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if (!isDrag) load("GET", card.getAttribute("href"));
});

addEventListener("keydown", (event) => {
  const { key: pressed, target } = event, card = cardAt(target), key = card?.dataset.key;
  const arrow = event.altKey && { ArrowLeft: [-20, 0], ArrowRight: [20, 0], ArrowUp: [0, -20], ArrowDown: [0, 20] }[pressed];
  if ((event.ctrlKey || event.metaKey) && pressed.toLowerCase() === "z" && !target.matches("input, textarea"))
    find(event.shiftKey ? "#redo" : "#undo").click();
  else if (card && pressed === "Delete") send("remove", { key });
  else if (card && arrow) send("move", { key, x: arrow[0], y: arrow[1], is_by: "y" });
  else return;
  event.preventDefault();
});

const view = () => {
  const pane = find("#canvas .flow"), svg = pane?.firstElementChild;
  return svg && { pane, zoom: svg.width.baseVal.value / svg.viewBox.baseVal.width, left: pane.scrollLeft, top: pane.scrollTop };
};
addEventListener("htmx:before:swap", () => (kept = { ...view(), id: document.activeElement.id, open: find("#canvas [aria-current]")?.dataset.key }));
addEventListener("htmx:after:swap", () => {
  setUp();
  const now = view();
  if (now && kept?.zoom) {
    const deltaY = -300 * Math.log(kept.zoom / now.zoom);
    now.pane.dispatchEvent(new WheelEvent("wheel", { ctrlKey: true, deltaY, bubbles: true, cancelable: true }));
    now.pane.scrollTo(kept.left, kept.top);
  }
  history.replaceState(history.state, "", find("#editor").dataset.here);
  const open = find("#canvas [aria-current]"), card = back && find(`#canvas [data-key="${CSS.escape(back)}"]`);
  if (open?.dataset.key !== kept?.open) open?.scrollIntoView({ block: "nearest", inline: "nearest" });
  (card || (kept?.id && find("#" + kept.id)) || find("#panel-title"))?.focus();
  back = "";
});

function setUp() {
  for (const card of document.querySelectorAll("#canvas a[data-key]"))
    if (card.querySelector("rect[height='56']")) draw(card, "circle", { class: "port", cx: 184, cy: 28, r: 6 });
}
setUp();
