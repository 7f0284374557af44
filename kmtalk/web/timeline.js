// The timeline: what is under the playhead, mouse, touch and keys. Stands after clock.js and the timeline_*.js scripts.

const app = element.closest(".gradio-container") || document;
const clock = sharedClock(app);
const playButton = find(".play");

const position = () => clamp(clock.time, 0, data.duration);
const room = () => scroller.clientWidth - 2 * EDGE;

function seek(time) {
  clock.seek(clamp(time, 0, data.duration));
  reveal(time);
}

// ---- what is under the playhead

function show(time) {
  playhead.style.transform = `translateX(${time * scale}px)`;
  const frame = frameAt(time);
  const index = phonemeAt(time);
  const phoneme = index < 0 ? null : now.phonemes[index];
  const name = !phoneme || phoneme.kind === "silence" ? "silence" : phoneme.label;
  mark(marks.phonemes, index);
  const key = now.keys.findIndex((one) => one.frame === frame);
  mark(marks.keys, key);
  const [seconds, whole] = [time, data.duration].map((one) => one.toFixed(2));
  find(".readout").textContent =
    `${seconds} / ${whole} s · frame ${frame} · ${name} · ${millimetres(data.opening[frame])}`;
  playhead.setAttribute("aria-valuenow", seconds);
  const sound = name === "silence" ? name : `phoneme ${name}`;
  const keyed = key < 0 ? "" : `, key frame ${key + 1} of ${now.keys.length}`;
  playhead.setAttribute("aria-valuetext", `${seconds} s, ${sound}, frame ${frame}${keyed}`);
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
  const [left, right] = [scrollLeft, scrollLeft + clientWidth - 8];
  if (x >= left && x <= right) return;
  if (drag) scroller.scrollLeft += x < left ? x - left : x - right;
  else scroller.scrollLeft = x - clientWidth * 0.15;
}

function showPlaying() {
  playButton.disabled = !clock.ready;
  playButton.setAttribute("aria-label", clock.playing ? "Pause" : "Play");
  find(".icon").setAttribute("d", clock.playing ? "M3.5 2.5h3v11h-3zm6 0h3v11h-3z" : "M4 2.5v11l9-5.5z");
}

function hover(event) {
  const time = timeAt(event);
  const phoneme = now.phonemes[phonemeAt(time)];
  const frame = frameAt(time);
  const parts = [`${time.toFixed(2)} s`, `frame ${frame}`, millimetres(data.opening[frame])];
  if (phoneme) parts.splice(1, 0, describe(phoneme));
  showTip(time, parts.join(" · "));
  surface.classList.toggle("over-key", nearestKey(event) !== null);
}

function showTip(time, text) {
  tip.textContent = text;
  tip.hidden = false;
  const left = scroller.scrollLeft;
  const right = left + scroller.clientWidth - tip.offsetWidth - 2 * EDGE;
  tip.style.left = `${clamp(time * scale + 12, left, Math.max(right, left))}px`;
}

// ---- mouse and touch

const timeAt = (event) => clamp((event.clientX - surface.getBoundingClientRect().left) / scale, 0, data.duration);
const inRow = (event, [top, bottom]) => {
  const y = event.clientY - surface.getBoundingClientRect().top;
  return y >= top && y < bottom;
};

let drag = null; // scrub, or preview and drop an edit

function press(event) {
  if (!data || event.button !== 0) return;
  const { target } = event;
  const onHandle = target === playhead || target.matches(".handle") || inRow(event, [0, ROWS.ruler]);
  if (event.pointerType === "touch" && !onHandle) return; // a finger scrolls; its tap arrives as a click
  event.preventDefault();
  playhead.focus({ preventScroll: true });
  surface.setPointerCapture(event.pointerId);
  const edge = Object.keys(edges).find((side) => edges[side] === target);
  if (edge) drag = dragEdge(event, edge);
  else if (target === grip) drag = dragKey(event, selected.key);
  else if (target !== playhead && pick(event)) drag = selected.key === undefined ? scrub : dragKey(event, selected.key);
  else drag = scrub;
  if (drag === scrub) seek(timeAt(event));
}

const scrub = { move: (event) => seek(timeAt(event)), drop() {} };

/** Select the key frame or the phoneme under the pointer; returns whether there is one. */
function pick(event) {
  if (inRow(event, ROWS.phonemes)) return select({ phoneme: phonemeAt(timeAt(event)) });
  const key = nearestKey(event);
  if (key !== null) seek(timeOf(key));
  return key === null ? inRow(event, ROWS.keys) && select(null) : select({ key });
}

/** The frame of the nearest key within a finger's width. */
function nearestKey(event) {
  if (!inRow(event, ROWS.keys)) return null;
  const distance = ({ frame }) => Math.abs(timeOf(frame) - timeAt(event)) * scale;
  const nearest = now.keys.reduce((best, key) => (distance(key) < distance(best) ? key : best));
  return distance(nearest) <= 14 ? nearest.frame : null;
}

function move(event) {
  if (!data) return;
  if (drag && surface.hasPointerCapture(event.pointerId)) drag.move(event);
  else if (event.pointerType === "mouse") hover(event);
}

function drop(event) {
  const dropped = drag;
  drag = null;
  if (event.type === "pointerup") dropped?.drop(event);
  else if (dropped) refresh();
}

function tap(event) {
  if (!data || event.pointerType !== "touch" || event.target.matches(".handle")) return;
  playhead.focus({ preventScroll: true });
  if (!pick(event) || selected.key === undefined) seek(timeAt(event));
}

function addByDoubleClick(event) {
  if (!data || inRow(event, ROWS.phonemes) || nearestKey(event) !== null) return;
  addKey(frameAt(timeAt(event)));
}

function zoom(factor, middle) {
  const fitting = room() / data.duration;
  const before = scale;
  scale = clamp(factor ? scale * factor : fitting, Math.min(fitting, ZOOM.most), ZOOM.most);
  draw();
  scroller.scrollLeft += middle * (scale - before);
}

surface.addEventListener("pointerdown", press);
surface.addEventListener("pointermove", move);
surface.addEventListener("pointerup", drop);
surface.addEventListener("pointercancel", drop);
surface.addEventListener("pointerleave", () => (tip.hidden = true));
surface.addEventListener("click", tap);
surface.addEventListener("dblclick", addByDoubleClick);
scroller.addEventListener("wheel", (event) => {
  if (!data || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  zoom(event.deltaY < 0 ? ZOOM.step : 1 / ZOOM.step, timeAt(event));
});
playButton.addEventListener("click", () => clock.toggle());
find(".in").addEventListener("click", () => data && zoom(ZOOM.step, position()));
find(".out").addEventListener("click", () => data && zoom(1 / ZOOM.step, position()));
find(".fit").addEventListener("click", () => data && zoom(0, 0));
new ResizeObserver(() => data && scale * data.duration < room() && zoom(0, 0)).observe(scroller);

// ---- keys

function stepKey(direction) {
  const key = nextKey(frameAt(position()), direction);
  if (!key) return;
  select({ key: key.frame });
  seek(timeOf(key.frame));
}

const nextKey = (frame, direction) =>
  direction > 0 ? now.keys.find((key) => key.frame > frame) : now.keys.findLast((key) => key.frame < frame);

function step(direction, event) {
  if (event.altKey) shiftKey(direction);
  else if (event.shiftKey) stepKey(direction);
  else seek(timeOf(frameAt(position()) + direction));
}

const KEYS = {
  ArrowRight: (event) => step(1, event),
  ArrowUp: (event) => step(1, event),
  ArrowLeft: (event) => step(-1, event),
  ArrowDown: (event) => step(-1, event),
  Home: () => seek(0),
  End: () => seek(timeOf(data.frames - 1)),
  " ": () => clock.toggle(),
  "+": () => zoom(ZOOM.step, position()),
  "-": () => zoom(1 / ZOOM.step, position()),
  k: () => addKey(frameAt(position())),
  p: () => select({ phoneme: phonemeAt(position()) }),
  Delete: () => deleteKey(),
  Backspace: () => deleteKey(),
  Escape: () => escape(),
  Enter: () => complete(),
};

playhead.addEventListener("keydown", (event) => {
  const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!data || !act || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  act(event);
});

function escape() {
  drag = null;
  select(null);
}

// ---- a new value

function fillTable() {
  const table = document.createElement("table");
  table.createCaption().textContent = "Phonemes with their times in seconds";
  const heads = table.createTHead().insertRow();
  for (const name of ["Phoneme", "Start", "End"]) {
    const head = document.createElement("th");
    head.scope = "col";
    head.textContent = name;
    heads.append(head);
  }
  const body = table.createTBody();
  for (const phoneme of now.phonemes) {
    const row = body.insertRow();
    for (const cell of [phoneme.label, phoneme.start.toFixed(2), phoneme.end.toFixed(2)]) {
      row.insertCell().textContent = cell;
    }
  }
  find(".for-readers").replaceChildren(table);
}

function load() {
  const before = data;
  data = props.value ? JSON.parse(JSON.stringify(props.value)) : null;
  if (!data) return;
  const again = before?.recording === data.recording;
  takeEdits(again);
  clock.duration = data.duration;
  playhead.setAttribute("aria-valuemax", data.duration.toFixed(2));
  if (again) return draw();
  const fitting = room() / data.duration;
  scale = fitting >= ZOOM.least ? Math.min(fitting, ZOOM.most) : ZOOM.first;
  draw();
  seek(0);
  scroller.scrollLeft = 0;
}

function follow(event) {
  if (!element.isConnected) return clock.removeEventListener(event.type, follow);
  if (event.type === "state") showPlaying();
  if (!data) return;
  show(position());
  if (clock.playing) reveal(position());
}

clock.addEventListener("time", follow);
clock.addEventListener("state", follow);
watch("value", load);
showPlaying();
load();
