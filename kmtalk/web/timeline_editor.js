// Editing: what is selected, the list of edits with undo and redo, and completing again.

let versions = new Versions();
let completed = null; // {edits, keys}: what the motion goes through; keys by their frames
let selected = null; // {key: frame} or {phoneme: index}
let asked = null; // the edits that Python is completing
let tabled = null; // the phonemes in the table for readers

const gridPlace = (frame) => makeGrid(data).place(frame);
const keyPlace = () => now.keys.findIndex((key) => key.frame === selected?.key);
const isInner = (index) => index > 0 && index < now.keys.length - 1;
const pending = () => difference(versions.edits, completed.edits);

// ---- edits

const SENTENCES = {
  "move key": ({ frame, to }) => `key frame moved from frame ${frame} to ${to}`,
  "add key": ({ frame }) => `key frame added at frame ${frame}`,
  "delete key": ({ frame }) => `key frame ${frame} deleted`,
  "shape key": ({ frame }) => `key frame ${frame} shaped`,
  "set key": ({ frame }) => `weights set at frame ${frame}`,
  relabel: ({ phoneme, label }) => `phoneme ${phoneme + 1} is ${label === "sil" ? "silence" : label}`,
  retime: ({ phoneme }) => `phoneme ${phoneme + 1} goes from ${describe(now.phonemes[phoneme]).split(", ").at(-1)}`,
};

const sentenceOf = (edit) => SENTENCES[edit.do](edit);

/** Say what happened, to eyes and to screen readers. */
function tell(text, wrong = false) {
  const said = find(".said");
  said.textContent = text && text[0].toUpperCase() + text.slice(1);
  said.classList.toggle("wrong", wrong);
}

/** Do an edit; returns whether it was possible. Edits of one gesture make one step of undo. */
function commit(edit, gesture = null) {
  try {
    const edits = withEdit(versions.edits, edit);
    const idle = edits.length > 0 && same(replay(data, edits), replay(data, edits.slice(0, -1)));
    versions.add(idle ? edits.slice(0, -1) : edits, gesture);
  } catch (error) {
    tell(error.message.replace(/^Edit \d+ cannot be used: /, ""), true);
    refresh();
    return false;
  }
  refresh();
  tell(sentenceOf(edit));
  return true;
}

/** Show an edit without doing it. */
function preview(edit) {
  now = replay(data, withEdit(versions.edits, edit));
  drawMarks();
}

function addKey(frame) {
  const at = makeGrid(data).frame(gridPlace(frame));
  const there = now.keys.some((key) => key.frame === at);
  if (!there && !commit({ do: "add key", frame: at })) return;
  select({ key: at });
  seek(timeOf(at));
}

function deleteKey() {
  if (selected?.key === undefined) return tell("select a key frame to delete it", true);
  if (commit({ do: "delete key", frame: selected.key })) select(null);
}

function moveKey(to) {
  const { key: frame } = selected;
  if (frame === to || !commit({ do: "move key", frame, to })) return;
  select({ key: to });
  seek(timeOf(to));
}

function shiftKey(direction) {
  if (selected?.key === undefined) return tell("select a key frame to move it", true);
  moveKey(makeGrid(data).frame(gridPlace(selected.key) + direction));
}

/** The pointer has taken hold of a key frame: it moves between its neighbours. */
function dragKey(start, frame) {
  const index = now.keys.findIndex((key) => key.frame === frame);
  const [low, high] = [now.keys[index - 1], now.keys[index + 1]].map((key) => key && gridPlace(key.frame));
  const offset = timeOf(frame) - timeAt(start);
  let to = frame;
  return {
    move(event) {
      if (!isInner(index) || (to === frame && Math.abs(event.clientX - start.clientX) < 4)) return;
      const wanted = clamp(Math.round((timeAt(event) + offset) * data.fps), 0, data.frames - 1);
      to = makeGrid(data).frame(clamp(gridPlace(wanted), low + 1, high - 1));
      selected = { key: to };
      preview({ do: "move key", frame, to });
      seek(timeOf(to));
      showTip(timeOf(to), `frame ${frame} → ${to} · ${timeOf(to).toFixed(2)} s`);
    },
    drop() {
      tip.hidden = true;
      if (to !== frame) commit({ do: "move key", frame, to });
    },
  };
}

/** The pointer has taken hold of an edge of the selected phoneme. */
function dragEdge(start, side) {
  const index = selected.phoneme;
  const { start: from, end } = now.phonemes[index];
  const offset = (side === "start" ? from : end) - timeAt(start);
  let edit = null;
  return {
    move(event) {
      const time = Math.round((timeAt(event) + offset) * 100) / 100;
      const moved = side === "start" ? { start: Math.min(time, end - SHORTEST), end } : { start: from, end: time };
      edit = { do: "retime", phoneme: index, ...moved, end: Math.max(moved.end, moved.start + SHORTEST) };
      preview(edit);
      showTip(now.phonemes[index][side], describe(now.phonemes[index]));
    },
    drop() {
      tip.hidden = true;
      if (edit) commit(edit);
    },
  };
}

function undo() {
  if (!versions.canUndo) return;
  versions.undo();
  refresh();
  tell(`undone; ${countOf(versions.edits.length)} left`);
}

function redo() {
  if (!versions.canRedo) return;
  versions.redo();
  refresh();
  tell(versions.edits.length ? `done again: ${sentenceOf(versions.edits.at(-1))}` : "all edits taken back");
}

function reset() {
  if (!versions.edits.length) return;
  versions.add([]);
  refresh();
  tell("all edits taken back; undo brings them again");
}

const countOf = (count) => `${count} ${count === 1 ? "edit" : "edits"}`;

// ---- completing again, which Python does

function complete() {
  if (asked || !pending()) return;
  asked = versions.edits;
  fillTools();
  tell("completing the motion");
  trigger("complete", { edits: asked });
}

/** Python has finished; if no new value came by then, it has failed. */
function rest() {
  setTimeout(() => {
    if (!asked) return;
    asked = null;
    fillTools();
    tell("the motion could not be completed; your edits are kept, try again", true);
  }, 200);
}

/** Take over what came with a new value; `again` when it is of the same recording. */
function takeEdits(again) {
  const answer = asked !== null;
  asked = null;
  const { keys } = replay(data, data.edits);
  completed = { edits: data.edits, keys: new Map(keys.map((key) => [key.frame, key])) };
  if (!again) {
    versions = new Versions(data.edits);
    selected = null;
    makeLabels();
  }
  find(".before").hidden = !data.opening_unedited.length;
  update();
  if (!again || answer) tell(answer ? `the motion goes through ${pending() ? "the earlier" : "all"} edits now` : "");
}

// ---- what an edit or a selection changes on the page

function refresh() {
  update();
  drawMarks();
}

function update() {
  now = replay(data, versions.edits);
  if (selected?.key !== undefined && keyPlace() < 0) selected = null;
  if (!same(now.phonemes, tabled)) fillTable();
  tabled = now.phonemes;
  fillTools();
  fillInspector();
}

/** Select {key: frame}, {phoneme: index} or null; returns whether anything is selected now. */
function select(what) {
  selected = what && (what.phoneme ?? what.key) >= 0 ? what : null;
  refresh();
  return selected !== null;
}

const enable = (button, on) => button.setAttribute("aria-disabled", String(!on));
const isOff = (button) => button.getAttribute("aria-disabled") === "true";

function fillTools() {
  const count = pending();
  enable(find(".add"), true);
  enable(find(".open"), true);
  enable(find(".undo"), versions.canUndo);
  enable(find(".redo"), versions.canRedo);
  enable(find(".reset"), versions.edits.length > 0);
  enable(find(".save"), versions.edits.length > 0);
  enable(find(".complete"), count > 0 && !asked);
  find(".timeline").classList.toggle("outdated", count > 0);
  find(".stale").hidden = !count;
  find(".spinner").hidden = asked === null;
  find(".doing").textContent = asked ? "Completing…" : "Complete again";
  find(".count").hidden = !count || asked !== null;
  find(".count").textContent = count;
  find(".count").title = `${countOf(count)} not in the motion yet`;
}

/** Frames of keys that the motion still has and the edits have not. */
function ghosts() {
  const frames = new Set(now.keys.map(({ frame }) => frame));
  return [...completed.keys.keys()].filter((frame) => !frames.has(frame));
}

/** Whether a key differs from what the motion goes through. */
function isPending(key) {
  const before = completed.keys.get(key.frame);
  return !before || !same({ ...before, from: key.from }, key);
}
