// Edits of an animation: one list of operations, replayed over the unedited phonemes and key frames just as
// kmtalk/edits.py does it in Python. Nothing here touches the page.

const SHORTEST = 0.02; // seconds that a phoneme keeps when its edges are moved
const HANDLES = {
  jaw: { low: -1, high: 1, rest: 0 },
  round: { low: -1, high: 1, rest: 0 },
  closed: { low: 0, high: 1, rest: 0 },
  strength: { low: 0, high: 2, rest: 1 },
};
const PLAIN = Object.fromEntries(Object.entries(HANDLES).map(([name, { rest }]) => [name, rest]));

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/** Half to even, as NumPy rounds. */
function rint(value) {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 ? rounded - 1 : rounded;
}

/** Where key frames can lie: every `step` frames, and at the last frame. A place is the number of one of these. */
function makeGrid({ frames, fps, step }) {
  const last = Math.ceil((frames - 1) / step);
  return {
    last,
    place: (frame) => (frame >= frames - 1 ? last : rint(frame / step)),
    placeAt: (seconds) => clamp(rint(seconds * (fps / step)), 0, last),
    frame: (place) => Math.min(place * step, frames - 1),
  };
}

const NEW_KEY = { frame: 0, from: null, handles: PLAIN, weights: null, sound: null }; // from: its unedited frame

/** Return {phonemes, keys} after the edits; throws an Error with one sentence for the first that is impossible. */
function replay(data, edits) {
  const state = {
    data,
    grid: makeGrid(data),
    phonemes: data.phonemes.map((phoneme) => ({ ...phoneme })),
    keys: data.key_frames.map((frame) => ({ ...NEW_KEY, frame, from: frame })),
  };
  edits.forEach((edit, index) => {
    try {
      checkFields(edit);
      OPERATIONS[edit.do](state, edit);
    } catch (error) {
      throw new Error(`Edit ${index + 1} cannot be used: ${error.message}.`);
    }
  });
  return { phonemes: state.phonemes, keys: state.keys };
}

const FIELDS = {
  "move key": [["frame", "to"], []],
  "add key": [["frame"], []],
  "delete key": [["frame"], []],
  "shape key": [["frame"], Object.keys(HANDLES)],
  "set key": [["frame", "weights"], []],
  relabel: [["phoneme", "label"], []],
  retime: [["phoneme"], ["start", "end"]],
};

function checkFields(edit) {
  if (!Object.hasOwn(FIELDS, edit?.do)) throw new Error(`there is no operation ${JSON.stringify(edit?.do ?? edit)}`);
  const [needed, optional] = FIELDS[edit.do];
  const missing = needed.find((name) => !Object.hasOwn(edit, name));
  if (missing) throw new Error(`"${edit.do}" lacks "${missing}"`);
  const unknown = Object.keys(edit).find((name) => ![...needed, ...optional, "do"].includes(name));
  if (unknown) throw new Error(`"${edit.do}" has no "${unknown}"`);
}

const OPERATIONS = {
  "move key"(state, { frame, to }) {
    const { index, key, low, high } = innerKey(state, frame, "moved");
    const place = state.grid.place(frameNumber(state, to));
    if (place <= low || place >= high) {
      throw new Error(`the key at frame ${key.frame} has to stay between its neighbours, so frame ${to} is not free`);
    }
    state.keys[index] = { ...key, frame: state.grid.frame(place) };
  },
  "add key"(state, { frame }) {
    const at = onGrid(state, frame);
    if (findKey(state, at) >= 0) throw new Error(`there is a key at frame ${at} already`);
    insertKey(state, { ...NEW_KEY, frame: at });
  },
  "delete key"(state, { frame }) {
    state.keys.splice(innerKey(state, frame, "deleted").index, 1);
  },
  "shape key"(state, { do: _, frame, ...handles }) {
    const index = keyIndex(state, frame);
    for (const [name, value] of Object.entries(handles)) checkHandle(name, value);
    state.keys[index] = { ...state.keys[index], handles: { ...PLAIN, ...handles } };
  },
  "set key"(state, { frame, weights }) {
    const at = onGrid(state, frame);
    checkWeights(weights);
    if (findKey(state, at) < 0) insertKey(state, { ...NEW_KEY, frame: at });
    const index = findKey(state, at);
    const key = state.keys[index];
    state.keys[index] = { ...key, handles: PLAIN, weights: { ...key.weights, ...weights } };
  },
  relabel(state, { phoneme, label }) {
    const index = phonemeIndex(state, phoneme);
    const place = state.data.labels.indexOf(label);
    if (place < 0) throw new Error(`${JSON.stringify(label)} is not one of the ${state.data.labels.length} phonemes`);
    if (state.phonemes[index].label === label) return;
    state.phonemes[index] = { ...state.phonemes[index], label, kind: state.data.kinds[place] };
    soundKeys(state, state.phonemes[index]);
  },
  retime(state, { phoneme, start, end }) {
    const index = phonemeIndex(state, phoneme);
    const before = state.phonemes[index];
    const after = retimed(state.phonemes, index, start ?? before.start, end ?? before.end);
    const moves = [
      [before.start, after.start],
      [before.end, after.end],
    ];
    if (after.start > before.start) moves.reverse(); // the key in front makes room first
    state.phonemes[index] = { ...before, ...after };
    if (index > 0) state.phonemes[index - 1].end = after.start;
    if (index < state.phonemes.length - 1) state.phonemes[index + 1].start = after.end;
    for (const [from, to] of moves) carryKey(state, from, to);
  },
};

function retimed(phonemes, index, start, end) {
  if (!Number.isFinite(start) || !Number.isFinite(end) || end <= start) {
    throw new Error(`a phoneme cannot last from ${JSON.stringify(start)} to ${JSON.stringify(end)} s`);
  }
  const { [index]: phoneme, [index - 1]: previous, [index + 1]: next } = phonemes;
  const low = previous ? Math.min(previous.start + SHORTEST, phoneme.start) : phoneme.start;
  const high = next ? Math.max(next.end - SHORTEST, phoneme.end) : phoneme.end;
  const shortest = Math.min(SHORTEST, high - low); // a phoneme that was shorter takes nothing from neighbours that are
  const from = previous ? clamp(start, low, high - shortest) : phoneme.start;
  return { start: from, end: next ? clamp(end, from + shortest, high) : phoneme.end };
}

/** A relabelled phoneme has a key in its middle, and all its keys say its new sound. */
function soundKeys(state, { label, start, end }) {
  const { grid } = state;
  const middle = grid.frame(grid.placeAt((start + end) / 2));
  if (findKey(state, middle) < 0) insertKey(state, { ...NEW_KEY, frame: middle });
  const [low, high] = [start, end].map((time) => grid.frame(grid.placeAt(time)));
  state.keys = state.keys.map((key) => (key.frame >= low && key.frame <= high ? { ...key, sound: label } : key));
}

/** Move the key on a phoneme's edge along with the edge, as far as its neighbours let it. */
function carryKey(state, from, to) {
  const { grid, keys } = state;
  const index = findKey(state, grid.frame(grid.placeAt(from)));
  if (index <= 0 || index >= keys.length - 1) return;
  const low = grid.place(keys[index - 1].frame) + 1;
  const high = grid.place(keys[index + 1].frame) - 1;
  keys[index] = { ...keys[index], frame: grid.frame(clamp(grid.placeAt(to), low, high)) };
}

function frameNumber({ data }, frame) {
  if (Number.isInteger(frame) && frame >= 0 && frame < data.frames) return frame;
  throw new Error(`${JSON.stringify(frame)} is not a frame, they go from 0 to ${data.frames - 1}`);
}

const onGrid = (state, frame) => state.grid.frame(state.grid.place(frameNumber(state, frame)));
const findKey = (state, frame) => state.keys.findIndex((key) => key.frame === frame);

function keyIndex(state, frame) {
  const at = onGrid(state, frame);
  const index = findKey(state, at);
  if (index < 0) throw new Error(`there is no key at frame ${at}`);
  return index;
}

/** A key between the first and the last one, and the grid places of its neighbours. */
function innerKey(state, frame, done) {
  const { grid, keys } = state;
  const index = keyIndex(state, frame);
  if (index === 0 || index === keys.length - 1) throw new Error(`the first and the last key cannot be ${done}`);
  const [low, high] = [keys[index - 1], keys[index + 1]].map((key) => grid.place(key.frame));
  return { index, key: keys[index], low, high };
}

function insertKey({ keys }, key) {
  const index = keys.findIndex(({ frame }) => frame > key.frame);
  keys.splice(index < 0 ? keys.length : index, 0, key);
}

function phonemeIndex({ phonemes }, index) {
  if (Number.isInteger(index) && phonemes[index]) return index;
  throw new Error(`${JSON.stringify(index)} is not a phoneme, they go from 0 to ${phonemes.length - 1}`);
}

function checkHandle(name, value) {
  const handle = Object.hasOwn(HANDLES, name) && HANDLES[name];
  if (!handle) throw new Error(`there is no handle "${name}", only ${Object.keys(HANDLES).join(", ")}`);
  if (Number.isFinite(value) && value >= handle.low && value <= handle.high) return;
  throw new Error(`${name} goes from ${handle.low} to ${handle.high}, given ${JSON.stringify(value)}`);
}

function checkWeights(weights) {
  const values = Object.values(weights ?? {});
  if (!values.length || typeof weights !== "object" || !values.every((value) => value >= 0 && value <= 1)) {
    throw new Error("weights have to be numbers from 0 to 1 under the names of shapes");
  }
}

/** Add an edit; one that only goes on with the last one takes its place, so that the list tells what was wanted. */
function withEdit(edits, edit) {
  const last = edits.at(-1);
  const rest = edits.slice(0, -1);
  if (edit.do === "move key" && last?.do === "move key" && last.to === edit.frame) {
    return last.frame === edit.to ? rest : [...rest, { ...last, to: edit.to }];
  }
  const goesOn = last?.do === edit.do && last.frame === edit.frame && last.phoneme === edit.phoneme;
  return goesOn && ["shape key", "relabel", "retime"].includes(edit.do) ? [...rest, edit] : [...edits, edit];
}

/** How many edits one list has that the other has not, counted from where they part. */
function difference(edits, others) {
  const parting = edits.findIndex((edit, index) => !same(edit, others[index]));
  const shared = parting < 0 ? edits.length : parting;
  return Math.max(edits.length, others.length) - shared;
}

/** Undo and redo over whole lists of edits. A gesture (say, one drag of a slider) is one step. */
class Versions {
  #lists;
  #at = 0;
  #gesture = null;

  constructor(edits = []) {
    this.#lists = [...edits.map((_, count) => edits.slice(0, count)), edits];
    this.#at = edits.length;
  }

  get edits() {
    return this.#lists[this.#at];
  }

  get canUndo() {
    return this.#at > 0;
  }

  get canRedo() {
    return this.#at < this.#lists.length - 1;
  }

  add(edits, gesture = null) {
    const goesOn = gesture !== null && gesture === this.#gesture;
    this.#gesture = gesture;
    if (!goesOn && same(edits, this.edits)) return;
    this.#at += goesOn ? 0 : 1;
    this.#lists = [...this.#lists.slice(0, this.#at), edits];
  }

  /** The next edit is a step of its own. */
  close() {
    this.#gesture = null;
  }

  undo() {
    this.#gesture = null;
    if (this.canUndo) this.#at--;
  }

  redo() {
    this.#gesture = null;
    if (this.canRedo) this.#at++;
  }
}

/** The edits in a file's text; throws an Error with one sentence for anything else. */
function readEdits(data, text) {
  let edits;
  try {
    edits = JSON.parse(text);
  } catch {
    throw new Error("This file does not hold edits: it is not JSON.");
  }
  if (!Array.isArray(edits)) throw new Error("This file does not hold edits: it is not a list of operations.");
  replay(data, edits);
  return edits;
}

/** The text of a file of edits: a JSON list, an operation a line. */
const writeEdits = (edits) => `[\n${edits.map((edit) => `  ${JSON.stringify(edit)}`).join(",\n")}\n]\n`;
