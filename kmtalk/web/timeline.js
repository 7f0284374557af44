// Rows of the drawing in pixels from its top; names in timeline.html stand at the same heights.
const ROWS = { ruler: 18, sound: [22, 76], phonemes: [80, 106], keys: 120, mouth: [134, 190], height: 194 };
const EDGE = 8; // pixels beside the drawing, so that the playhead's handle is whole at both ends
const ZOOM = { least: 160, first: 180, most: 2400, step: 1.5, dense: 60 }; // pixels a second

const find = (selector) => element.querySelector(selector);
const app = element.closest(".gradio-container") || document;
const scroller = find(".scroller");
const surface = find(".surface");
const drawing = find(".drawing");
const playhead = find(".playhead");
const tip = find(".tip");
const playButton = find(".play");

let data = null;
let scale = 1; // pixels a second
let waiting = 0; // the position in seconds while there is no video to hold it
let marks = { phonemes: [], keys: [] };
let running = 0;

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const frameAt = (time) => clamp(Math.floor(time * data.fps + 0.01), 0, data.frames - 1);
const timeOf = (frame) => clamp(frame, 0, data.frames - 1) / data.fps;
const phonemeAt = (time) => data.phonemes.findIndex((phoneme) => time >= phoneme.start && time < phoneme.end);
const millimetres = (value) => `${value.toFixed(1)} mm`;

function video() {
  const name = find(".timeline").dataset.video;
  const player = name ? app.querySelector(`#${name} video`) : null;
  return player && player.readyState > 0 ? player : null;
}

function position() {
  const player = video();
  return clamp(player ? player.currentTime : waiting, 0, data.duration);
}

function seek(time) {
  waiting = clamp(time, 0, data.duration);
  const player = video();
  // A hair after the frame's first moment, so that rounding cannot show the frame before.
  if (player) player.currentTime = Math.min(waiting + 0.001, player.duration || waiting);
  show(waiting);
  reveal(waiting);
}

function toggle() {
  const player = video();
  if (!player) return;
  if (player.paused) player.play();
  else player.pause();
}

// ---- drawing

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
  marks = { phonemes: data.phonemes.map(drawPhoneme), keys: data.key_frames.map(drawKeyFrame) };
  show(position());
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

function drawPhoneme(phoneme, index) {
  const [top, bottom] = ROWS.phonemes;
  const x = phoneme.start * scale;
  const width = Math.max((phoneme.end - phoneme.start) * scale, 1);
  const group = make("g", { class: `phoneme ${phoneme.kind}`, "data-index": index }, drawing);
  make("rect", { x, y: top, width, height: bottom - top, rx: 3 }, group);
  const label = phoneme.kind === "silence" ? "·" : phoneme.label;
  if (width >= 3 + 7 * label.length) make("text", { x: x + width / 2, y: bottom - 9 }, group, label);
  make("title", {}, group, describe(phoneme));
  return group;
}

function describe(phoneme) {
  const name = phoneme.kind === "silence" ? "silence" : phoneme.label;
  return `${name}, ${phoneme.start.toFixed(2)} to ${phoneme.end.toFixed(2)} s`;
}

function drawKeyFrame(frame, index) {
  const x = timeOf(frame) * scale;
  const y = ROWS.keys;
  make("line", { class: "stem", x1: x, x2: x, y1: y + 6, y2: ROWS.mouth[1] }, drawing);
  const half = scale < ZOOM.dense ? 1.5 : 5;
  const shape = { class: "diamond", "data-index": index, d: `M${x - half} ${y}l${half}-6 ${half} 6-${half} 6z` };
  const diamond = make("path", shape, drawing);
  make("title", {}, diamond, `key frame ${index + 1} of ${data.key_frames.length}: frame ${frame}`);
  return diamond;
}

function drawMouth() {
  const [top, bottom] = ROWS.mouth;
  const most = Math.max(10, ...data.opening);
  const points = data.opening.map((value, frame) => {
    const x = (frame / data.fps) * scale;
    return `${x.toFixed(1)},${(bottom - ((bottom - top) * Math.max(value, 0)) / most).toFixed(1)}`;
  });
  const end = (data.frames / data.fps) * scale;
  const area = [`0,${bottom}`, ...points, `${end},${points.at(-1).split(",")[1]}`, `${end},${bottom}`];
  make("polygon", { class: "opening", points: area.join(" ") }, drawing);
  make("line", { class: "base", x1: 0, x2: data.duration * scale, y1: bottom + 0.5, y2: bottom + 0.5 }, drawing);
  find(".names small").textContent = `0–${Math.round(most)} mm`;
}

// ---- what is under the playhead

function show(time) {
  playhead.style.transform = `translateX(${time * scale}px)`;
  const frame = frameAt(time);
  const index = phonemeAt(time);
  const phoneme = index < 0 ? null : data.phonemes[index];
  const name = !phoneme || phoneme.kind === "silence" ? "silence" : phoneme.label;
  mark(marks.phonemes, index);
  const key = data.key_frames.indexOf(frame);
  mark(marks.keys, key);
  find(".readout").textContent =
    `${time.toFixed(2)} / ${data.duration.toFixed(2)} s · frame ${frame} · ${name} · ${millimetres(data.opening[frame])}`;
  playhead.setAttribute("aria-valuenow", time.toFixed(2));
  const sound = name === "silence" ? name : `phoneme ${name}`;
  const keyed = key < 0 ? "" : `, key frame ${key + 1} of ${data.key_frames.length}`;
  playhead.setAttribute("aria-valuetext", `${time.toFixed(2)} s, ${sound}, frame ${frame}${keyed}`);
}

function mark(nodes, index) {
  if (nodes.now === index) return;
  nodes[nodes.now]?.classList.remove("now");
  nodes[index]?.classList.add("now");
  nodes.now = index;
}

function reveal(time) {
  const x = EDGE + time * scale;
  const { scrollLeft, clientWidth } = scroller;
  if (x < scrollLeft || x > scrollLeft + clientWidth - 8) scroller.scrollLeft = x - clientWidth * 0.15;
}

function hover(event) {
  const time = timeAt(event);
  const phoneme = data.phonemes[phonemeAt(time)];
  const frame = frameAt(time);
  const parts = [`${time.toFixed(2)} s`, `frame ${frame}`, millimetres(data.opening[frame])];
  if (phoneme) parts.splice(1, 0, describe(phoneme));
  tip.textContent = parts.join(" · ");
  tip.hidden = false;
  const left = scroller.scrollLeft;
  const right = left + scroller.clientWidth - tip.offsetWidth - 2 * EDGE;
  tip.style.left = `${clamp(time * scale + 12, left, Math.max(right, left))}px`;
}

// ---- the video's clock

function follow() {
  cancelAnimationFrame(running);
  const player = video();
  if (!data || !player || !element.isConnected) return;
  show(position());
  if (player.paused || player.ended) return;
  reveal(position());
  running = requestAnimationFrame(follow);
}

function meet(event) {
  const player = video();
  if (!data || event.target !== player) return;
  playButton.disabled = false;
  playButton.setAttribute("aria-label", player.paused ? "Play" : "Pause");
  find(".icon").setAttribute("d", player.paused ? "M4 2.5v11l9-5.5z" : "M3.5 2.5h3v11h-3zm6 0h3v11h-3z");
  follow();
}

for (const name of ["loadedmetadata", "play", "pause", "ended", "seeking", "seeked", "timeupdate"]) {
  app.addEventListener(name, meet, true); // media events do not bubble, but they are captured
}

// ---- mouse, touch and keys

const room = () => scroller.clientWidth - 2 * EDGE;
const timeAt = (event) => clamp((event.clientX - surface.getBoundingClientRect().left) / scale, 0, data.duration);

function press(event) {
  if (!data || event.button !== 0) return;
  playhead.focus({ preventScroll: true });
  const onHandle = event.target === playhead || event.offsetY < ROWS.ruler;
  if (event.pointerType === "touch" && !onHandle) return; // a finger scrolls; its tap arrives as a click
  event.preventDefault();
  surface.setPointerCapture(event.pointerId);
  seek(timeAt(event));
}

function move(event) {
  if (!data) return;
  if (surface.hasPointerCapture(event.pointerId)) seek(timeAt(event));
  if (event.pointerType === "mouse") hover(event);
}

function zoom(factor, middle) {
  const fitting = room() / data.duration;
  const before = scale;
  scale = clamp(factor ? scale * factor : fitting, Math.min(fitting, ZOOM.most), ZOOM.most);
  draw();
  scroller.scrollLeft += middle * (scale - before);
}

function stepKey(direction) {
  const frame = frameAt(position());
  const keys = data.key_frames;
  const next = direction > 0 ? keys.find((key) => key > frame) : keys.findLast((key) => key < frame);
  if (next !== undefined) seek(timeOf(next));
}

const KEYS = {
  ArrowRight: (event) => (event.shiftKey ? stepKey(1) : seek(timeOf(frameAt(position()) + 1))),
  ArrowLeft: (event) => (event.shiftKey ? stepKey(-1) : seek(timeOf(frameAt(position()) - 1))),
  ArrowUp: (event) => KEYS.ArrowRight(event),
  ArrowDown: (event) => KEYS.ArrowLeft(event),
  Home: () => seek(0),
  End: () => seek(timeOf(data.frames - 1)),
  " ": toggle,
  "+": () => zoom(ZOOM.step, position()),
  "-": () => zoom(1 / ZOOM.step, position()),
};

playhead.addEventListener("keydown", (event) => {
  if (!data || !KEYS[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  KEYS[event.key](event);
});
surface.addEventListener("pointerdown", press);
surface.addEventListener("pointermove", move);
surface.addEventListener("pointerleave", () => (tip.hidden = true));
surface.addEventListener("click", (event) => data && event.pointerType === "touch" && seek(timeAt(event)));
scroller.addEventListener("wheel", (event) => {
  if (!data || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  zoom(event.deltaY < 0 ? ZOOM.step : 1 / ZOOM.step, timeAt(event));
});
playButton.addEventListener("click", toggle);
find(".in").addEventListener("click", () => data && zoom(ZOOM.step, position()));
find(".out").addEventListener("click", () => data && zoom(1 / ZOOM.step, position()));
find(".fit").addEventListener("click", () => data && zoom(0, 0));
new ResizeObserver(() => data && scale * data.duration < room() && zoom(0, 0)).observe(scroller);

// ---- a new value

function fillTable() {
  const table = document.createElement("table");
  table.createCaption().textContent = "Phonemes with their times in seconds";
  for (const cells of [["Phoneme", "Start", "End"]]) {
    const row = table.createTHead().insertRow();
    for (const cell of cells) {
      const heading = document.createElement("th");
      heading.scope = "col";
      heading.textContent = cell;
      row.append(heading);
    }
  }
  const body = table.createTBody();
  for (const phoneme of data.phonemes) {
    const row = body.insertRow();
    for (const cell of [phoneme.label, phoneme.start.toFixed(2), phoneme.end.toFixed(2)]) {
      row.insertCell().textContent = cell;
    }
  }
  find(".for-readers").replaceChildren(table);
}

function load() {
  data = props.value || null;
  if (!data) return;
  waiting = 0;
  playButton.disabled = !video();
  const fitting = room() / data.duration;
  scale = fitting >= ZOOM.least ? Math.min(fitting, ZOOM.most) : ZOOM.first;
  playhead.setAttribute("aria-valuemax", data.duration.toFixed(2));
  fillTable();
  draw();
  scroller.scrollLeft = 0;
}

watch("value", load);
load();
