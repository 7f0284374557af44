const table = element.querySelector(".downloads");
const news = element.querySelector(".news");
const RANK = { absent: 0, offered: 0, making: 1, ready: 2 };
const lines = new Map(); // by kind: what Python last said of it, or what was asked for since
const rows = new Map(); // by kind: what is on the page
let asked = []; // kinds that were asked for while another file was on its way
let take = null;

function make(tag, name, ...content) {
  const node = document.createElement(tag);
  node.className = name;
  node.append(...content);
  return node;
}

// `code` in backquotes becomes an element of its own.
function prose(text) {
  return text.split("`").map((part, index) => (index % 2 ? make("code", "", part) : part));
}

function link({ kind, size, file }) {
  const anchor = make("a", "get", make("span", "arrow"), size);
  anchor.href = file.url;
  anchor.download = file.orig_name;
  anchor.target = "_blank";
  anchor.rel = "noopener";
  anchor.setAttribute("aria-label", `Download ${kind}, ${size}`);
  return anchor;
}

function button({ kind }) {
  const node = make("button", "get", "Make");
  node.type = "button";
  node.setAttribute("aria-label", `Make ${kind}`);
  node.addEventListener("click", () => {
    lines.set(kind, { ...lines.get(kind), state: "making", note: "" });
    news.textContent = `Making ${kind}.`;
    asked.push(kind);
    show();
    askNext();
  });
  return node;
}

// A button still, so that focus stays where it was.
function waiting({ kind }) {
  const node = make("button", "get", make("span", "wheel"), "Making");
  node.type = "button";
  node.setAttribute("aria-disabled", "true");
  node.setAttribute("aria-label", `Making ${kind}`);
  return node;
}

const ACTIONS = {
  ready: link,
  offered: button,
  making: waiting,
  absent: () => "",
};

function row(line) {
  const about = make("div", "about", make("span", "holds", line.holds), make("span", "opens", ...prose(line.opens)));
  if (line.note) about.append(make("span", `note ${line.state}`, line.note));
  const file = make("th", "file", make("div", "pair", make("span", "kind", line.kind), about));
  file.scope = "row";
  return make("tr", "", file, make("td", "action", ACTIONS[line.state](line)));
}

function group(name) {
  const title = make("th", "group", name);
  title.scope = "rowgroup";
  title.colSpan = 2;
  return make("tbody", "", make("tr", "", title));
}

// Rows that stay the same stay on the page, so that focus and selection survive.
function drawn(line) {
  const text = JSON.stringify(line);
  const old = rows.get(line.kind);
  if (old?.text !== text) rows.set(line.kind, { text, node: row(line) });
  return rows.get(line.kind).node;
}

function show() {
  const focused = [...rows].find(([, { node }]) => node.contains(document.activeElement))?.[0];
  const bodies = new Map();
  for (const line of [...lines.values()].sort((a, b) => a.place - b.place)) {
    if (!bodies.has(line.group)) bodies.set(line.group, group(line.group));
    bodies.get(line.group).append(drawn(line));
  }
  table.querySelectorAll("tbody").forEach((body) => body.remove());
  table.append(...bodies.values());
  table.hidden = !lines.size;
  rows.get(focused)?.node.querySelector(".get")?.focus();
}

function learn(line) {
  const known = lines.get(line.kind);
  const fell = line.state === "offered" && line.note;
  if (known && !fell && RANK[line.state] < RANK[known.state]) return;
  if (known?.state === "making" && line.state === "ready") news.textContent = `${line.kind} is ready.`;
  if (known?.state === "making" && fell) news.textContent = line.note;
  lines.set(line.kind, line);
}

// One after the other, so that progress and Stop speak of one.
function askNext() {
  const busy = [...lines.values()].some(({ kind, state }) => state === "making" && !asked.includes(kind));
  if (asked.length && !busy) trigger("make", { format: asked.shift() });
}

function update() {
  if (!props.value || props.value.take !== take) {
    lines.clear();
    rows.clear();
    asked = [];
    news.textContent = "";
  }
  take = props.value?.take ?? null;
  (props.value?.files || []).forEach(learn);
  show();
  askNext();
}

function rest() {
  asked = [];
  const stopped = [...lines.values()].filter(({ state }) => state === "making");
  for (const line of stopped) learn({ ...line, state: "offered", note: "Stopped." });
  show();
}

table.addEventListener("rest", rest);
watch("value", update);
update();
