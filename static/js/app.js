// What only a script can do; the rest are links and forms that htmx makes quicker.

const find = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const isTyping = (event) => event.target.closest?.("input, textarea, select, [contenteditable]");

// Invoker commands where the browser lacks them.
if (!("command" in HTMLButtonElement.prototype)) {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[commandfor]");
    if (!button) return;
    const dialog = document.getElementById(button.getAttribute("commandfor"));
    if (button.getAttribute("command") === "show-modal") dialog.showModal();
    else if (button.getAttribute("command") === "close") dialog.close();
  });
}

// data-copy holds the text, data-copy-code means the <pre> of the same figure.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy], [data-copy-code]");
  if (!button) return;
  const text = button.dataset.copy ?? find("pre", button.closest("figure")).textContent;
  try {
    await navigator.clipboard.writeText(text);
    toast("Copied");
  } catch {
    const source = button.closest("figure")?.querySelector("pre");
    if (source) getSelection().selectAllChildren(source);
    toast("Press Ctrl C to copy the selected text");
  }
});

export function toast(message) {
  const box = find("#toasts");
  if (!box) return;
  const note = document.createElement("div");
  note.className = "toast";
  note.textContent = message;
  box.append(note);
  setTimeout(() => note.remove(), 4000);
}

const palette = find("#cmd");
const paletteInput = find("#cmd-input");
const options = () => all("[role=option]", palette);

function openPalette() {
  if (!palette || palette.open) return;
  palette.showModal();
}

function choose(step) {
  const list = options();
  if (!list.length) return;
  const at = list.findIndex((o) => o.getAttribute("aria-selected") === "true");
  const next = (at + step + list.length) % list.length;
  list.forEach((o, i) => o.setAttribute("aria-selected", String(i === next)));
  list[next].scrollIntoView({ block: "nearest" });
  paletteInput.setAttribute("aria-activedescendant", list[next].id);
}

palette?.addEventListener("toggle", () => {
  if (!palette.open) return;
  paletteInput.select();
  paletteInput.dispatchEvent(new CustomEvent("load-palette"));
});
paletteInput?.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown") choose(1);
  else if (event.key === "ArrowUp") choose(-1);
  else if (event.key === "Enter") {
    const chosen = options().find((o) => o.getAttribute("aria-selected") === "true") ?? options()[0];
    if (chosen) location.assign(chosen.href);
  } else if (event.key === "Escape") palette.close(); // a search field would empty itself first
  else return;
  event.preventDefault();
});

// Ctrl K, two-key jumps (data-keys="g e"), j and k in lists, [ and ] for pages, /, and keys of the page.
let firstKey = "";
document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    openPalette();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event) || find("dialog[open]")) return;
  if (event.key === "/") {
    const search = find("main [type=search]");
    if (search) {
      event.preventDefault();
      search.focus();
    }
    return;
  }
  const jump = firstKey && find(`[data-keys="${CSS.escape(firstKey)} ${CSS.escape(event.key)}"]`);
  firstKey = jump ? "" : event.key;
  if (jump) return jump.click();
  if (event.key === "j" || event.key === "k") moveRow(event.key === "j" ? 1 : -1);
  else if (event.key === "]") find("[rel=next]")?.click();
  else if (event.key === "[") find("[rel=prev]")?.click();
  else press(event.key);
});

// A key presses its data-press; in a list for the ticked rows, else the focused one.
function press(key) {
  const row = document.activeElement.closest("[data-row]");
  const button = find(`[data-press="${CSS.escape(key)}"]`) ?? (key === "r" && row && find("a.main", row));
  if (button?.form?.id === "bulk" && !find(".table :checked")) {
    if (!row) return;
    find("[type=checkbox]", row).checked = true;
  }
  button && button.click();
}

// Rows are reached through their own link, so Enter opens them.
function moveRow(step) {
  const links = all("[data-row] a.main, .wf li > a:not(.fold)");
  if (!links.length) return;
  const focused = links.indexOf(document.activeElement);
  const at = focused >= 0 ? focused : links.findIndex((link) => link.matches("[aria-current]"));
  links[Math.min(Math.max(at + step, 0), links.length - 1)].focus();
}

// A list or drawing that opens its links beside it: data-open names where.
document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-open] a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || !window.htmx) return;
  event.preventDefault();
  const url = link.getAttribute("href");
  const target = link.matches(".fold") ? "#waterfall" : link.closest("[data-open]").dataset.open;
  if (target !== "#waterfall") {
    for (const open of all("[data-open] [aria-current]")) open.removeAttribute("aria-current");
    for (const same of all(`[data-open] a[href="${CSS.escape(url)}"]`)) same.setAttribute("aria-current", "true");
  }
  htmx.ajax("GET", url, { source: link, target, swap: "outerHTML", push: url, headers: { "HX-Target": target } });
});

function showOpen() {
  const row = find("[data-open] [aria-current]")?.closest("li");
  if (row) row.parentElement.scrollTop = row.offsetTop - row.parentElement.clientHeight / 3;
}
showOpen();
document.addEventListener("htmx:after:swap", (event) => event.detail?.ctx?.target?.id === "waterfall" && showOpen());

// A filter form sends only what is set.
document.addEventListener("htmx:config:request", (event) => {
  const { ctx } = event.detail;
  const form = ctx.sourceElement?.closest?.("form[data-sparse]");
  if (!form || ctx.request.method !== "GET") return;
  const { body } = ctx.request;
  const pairs = [...(body?.entries?.() ?? [])];
  pairs.forEach(([name]) => body.delete(name));
  pairs.forEach((pair) => pair[1] && body.append(...pair));
});
document.addEventListener("submit", (event) => {
  const form = event.target.closest("form");
  if (form?.matches("[data-sparse]")) for (const field of form.elements) if (field.name && !field.value) field.disabled = field.dataset.emptied = true;
  // A double click is one request. Enabled again when a part answered or the page comes back.
  if (form?.method === "post") for (const button of all("button[type=submit], button:not([type])", form)) setTimeout(() => (button.disabled = true));
});
const enable = (form) => all("button:disabled, [data-emptied]:disabled", form).forEach((button) => (button.disabled = false));
addEventListener("pageshow", () => all("form").forEach(enable));
document.addEventListener("htmx:finally:request", (event) => {
  const form = event.detail?.ctx?.sourceElement?.closest?.("form");
  if (form?.method === "post") enable(form);
});

document.addEventListener("htmx:error", () => toast("The server did not answer. Nothing was changed; try again."));

// Tabs.
for (const box of all("[data-tabs]")) {
  const links = all(".tabs a", box);
  const show = (wanted) => {
    box.dataset.live = "";
    for (const link of links) {
      if (link === wanted) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
      find(link.getAttribute("href"), box).hidden = link !== wanted;
    }
  };
  box.addEventListener("click", (event) => {
    const link = event.target.closest(".tabs a");
    if (!link) return;
    event.preventDefault();
    show(link);
  });
  show(links.find((link) => link.getAttribute("href") === location.hash) ?? links[0]);
}

// First run: this time zone.
const zones = find("select[data-detect-zone]");
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zones?.value === "UTC" && [...zones.options].some((option) => option.value === zone)) zones.value = zone;
