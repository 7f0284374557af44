// The drawing: rows under one time axis. What is drawn: `data`, and `now`, its phonemes and keys after the edits.

// Rows in pixels from the top; names in timeline.html stand at the same heights.
const ROWS = { ruler: 18, sound: [22, 74], phonemes: [78, 106], keys: [108, 136], mouth: [138, 194], height: 194 };
const EDGE = 12; // pixels beside the drawing, so that handles are whole at both ends
const ZOOM = { least: 160, first: 180, most: 2400, step: 1.5, dense: 60 }; // pixels a second

const find = (selector) => element.querySelector(selector);
const scroller = find(".scroller");
const surface = find(".surface");
const drawing = find(".drawing");
const playhead = find(".playhead");
const tip = find(".tip");
const grip = find(".grip");
const edges = { start: find(".edge.start"), end: find(".edge.end") };

let data = null;
let now = null;
let scale = 1; // pixels a second
let marks = { phonemes: [], keys: [] };

const frameAt = (time) => clamp(Math.floor(time * data.fps + 0.01), 0, data.frames - 1);
const timeOf = (frame) => clamp(frame, 0, data.frames - 1) / data.fps;
const phonemeAt = (time) => now.phonemes.findIndex((phoneme) => time >= phoneme.start && time < phoneme.end);
const millimetres = (value) => `${value.toFixed(1)} mm`;

function make(name, attributes, parent, text) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  parent.append(node);
  return node;
}

function draw() {
  const width = Math.max(Math.ceil(data.duration * scale), 1);
  surface.style.width = `${width}px`;
  drawing.replaceChildren();
  drawing.setAttribute("width", width);
  drawing.setAttribute("height", ROWS.height);
  drawing.classList.toggle("dense", scale < ZOOM.dense);
  drawRuler(width);
  drawSound();
  drawMouth();
  const layers = make("g", { class: "marks" }, drawing);
  for (let count = 0; count < 3; count++) make("g", {}, layers);
  drawMarks();
}

function drawRuler(width) {
  const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 30].find((seconds) => seconds * scale >= 56) || 60;
  for (let index = 0; index * step < data.duration; index++) {
    const x = index * step * scale;
    make("line", { class: "tick", x1: x + 0.5, x2: x + 0.5, y1: 0, y2: ROWS.ruler - 4 }, drawing);
    if (x + 38 < width) make("text", { class: "time", x: x + 8, y: 11 }, drawing, `${+(index * step).toFixed(1)} s`);
  }
}

function drawSound() {
  const [top, bottom] = ROWS.sound;
  const middle = (top + bottom) / 2;
  const step = (data.duration * scale) / (data.envelope.length - 1);
  const edge = (sign) =>
    data.envelope.map((level, index) => {
      const half = Math.max((level * (bottom - top)) / 2, 0.5);
      return `${(index * step).toFixed(1)},${(middle + sign * half).toFixed(1)}`;
    });
  make("polygon", { class: "wave", points: [...edge(-1), ...edge(1).reverse()].join(" ") }, drawing);
}

function drawMouth() {
  const bottom = ROWS.mouth[1];
  const most = Math.max(10, ...data.opening, ...data.opening_unedited);
  const points = curve(data.opening, most);
  const end = (data.frames / data.fps) * scale;
  const area = [`0,${bottom}`, ...points, `${end},${points.at(-1).split(",")[1]}`, `${end},${bottom}`];
  make("polygon", { class: "opening", points: area.join(" ") }, drawing);
  make("polyline", { class: "outline", points: area.slice(1, -1).join(" ") }, drawing);
  const unedited = curve(data.opening_unedited, most);
  if (unedited.length) make("polyline", { class: "unedited", points: unedited.join(" ") }, drawing);
  make("line", { class: "base", x1: 0, x2: data.duration * scale, y1: bottom + 0.5, y2: bottom + 0.5 }, drawing);
  find(".names small").textContent = `0–${Math.round(most)} mm`;
}

function curve(values, most) {
  const [top, bottom] = ROWS.mouth;
  return values.map((value, frame) => {
    const x = (frame / data.fps) * scale;
    return `${x.toFixed(1)},${(bottom - ((bottom - top) * Math.max(value, 0)) / most).toFixed(1)}`;
  });
}

// ---- phonemes and key frames, which edits change

function drawMarks() {
  for (const nodes of Object.values(marks)) mark(nodes, -1);
  const [ghostLayer, phonemeLayer, keyLayer] = drawing.querySelector(".marks").children;
  ghostLayer.replaceChildren();
  for (const frame of ghosts()) drawGhost(frame, ghostLayer);
  marks = {
    phonemes: now.phonemes.map((phoneme, index) => {
      return drawn(phonemeLayer, index, drawPhoneme, phoneme, phonemeStates(phoneme, index));
    }),
    keys: now.keys.map((key, index) => drawn(keyLayer, index, drawKey, key, keyStates(key))),
  };
  while (keyLayer.children.length > now.keys.length) keyLayer.lastChild.remove();
  placeHandles();
  show(position());
}

/** The group at an index of a layer, drawn anew only when it would look different: a minute of speech has 1000. */
function drawn(layer, index, drawIt, what, states) {
  const looks = JSON.stringify([what, states]);
  const before = layer.children[index];
  if (before?.dataset.looks === looks) return before;
  const group = make("g", { class: states.join(" "), "data-looks": looks }, layer);
  drawIt(what, group, index);
  if (before) before.replaceWith(group);
  return group;
}

function phonemeStates(phoneme, index) {
  const states = [isEdited(phoneme, index) && "edited", selected?.phoneme === index && "selected"];
  return ["phoneme", phoneme.kind, ...states].filter(Boolean);
}

function drawPhoneme(phoneme, group, index) {
  const [top, bottom] = ROWS.phonemes;
  const x = phoneme.start * scale;
  const width = Math.max((phoneme.end - phoneme.start) * scale, 1);
  make("rect", { x, y: top, width, height: bottom - top, rx: 3 }, group);
  const line = `M${x + 3} ${bottom - 3}h${Math.max(width - 6, 1)}`;
  if (isEdited(phoneme, index)) make("path", { class: "changed", d: line }, group);
  const label = phoneme.kind === "silence" ? "·" : phoneme.label;
  if (width >= 3 + 7 * label.length) make("text", { x: x + width / 2, y: bottom - 10 }, group, label);
  make("title", {}, group, describe(phoneme));
}

function isEdited(phoneme, index) {
  const { label, start, end } = data.phonemes[index];
  return phoneme.label !== label || phoneme.start !== start || phoneme.end !== end;
}

function describe(phoneme) {
  const name = phoneme.kind === "silence" ? "silence" : phoneme.label;
  return `${name}, ${phoneme.start.toFixed(2)} to ${phoneme.end.toFixed(2)} s`;
}

const middleOf = ([top, bottom]) => (top + bottom) / 2;
const diamondPath = (x, half) =>
  `M${x} ${middleOf(ROWS.keys) - half}l${half} ${half}l-${half} ${half}l-${half} -${half}z`;

function keyStates(key) {
  const states = [isShaped(key) && "edited", isPending(key) && "pending", selected?.key === key.frame && "selected"];
  return ["key-frame", ...states].filter(Boolean);
}

function drawKey(key, group) {
  const x = timeOf(key.frame) * scale;
  const half = scale < ZOOM.dense ? 1.5 : selected?.key === key.frame ? 7 : 5;
  make("line", { class: "stem", x1: x, x2: x, y1: middleOf(ROWS.keys) + half, y2: ROWS.mouth[1] }, group);
  make("path", { class: "diamond", d: diamondPath(x, half) }, group);
  make("title", {}, group, `key frame at frame ${key.frame}`);
}

const isShaped = (key) => !same(key, { ...NEW_KEY, frame: key.frame, from: key.frame });

function drawGhost(frame, layer) {
  make("path", { class: "ghost", d: diamondPath(timeOf(frame) * scale, scale < ZOOM.dense ? 1.5 : 5) }, layer);
}

/** Lay what a finger can take hold of over the selected key frame, or over the edges of the selected phoneme. */
function placeHandles() {
  const phoneme = now.phonemes[selected?.phoneme];
  const ends = { start: 0, end: now.phonemes.length - 1 };
  grip.hidden = selected?.key === undefined;
  if (!grip.hidden) grip.style.left = `${timeOf(selected.key) * scale}px`;
  for (const [side, handle] of Object.entries(edges)) {
    handle.hidden = !phoneme || selected.phoneme === ends[side];
    if (!handle.hidden) handle.style.left = `${phoneme[side] * scale}px`;
  }
}
