// The inspector below the drawing, files of edits, and what the buttons do.

const HANDLE_TEXTS = {
  jaw: ["Jaw", "Left closes the jaw, right opens it."],
  round: ["Wide–Round", "Left spreads the lips as in “ee”, right rounds them as in “oo”."],
  closed: ["Lips closed", "Right brings the lips together, as in M, B and P."],
  strength: ["Strength", "Scales the whole pose: 0 is a face at rest, 1 as it is, 2 twice as much."],
};
const GROUPS = { vowel: "Vowels", lips: "Lips close or round", other: "Other consonants", silence: "Silence" };
const EXAMPLES =
  "sil silence P pea B bee M me F fee V vee TH thin DH then T tea D do N no L lay S see Z zoo SH she ZH measure " +
  "CH chin JH joy K key G go NG sing HH he R ray ER her AA father AH but AE cat AY my AW now EH bed EY day IH bit " +
  "IY be Y yes AO dog OW go OY boy UW too UH book W we";

// ---- the inspector

function fillInspector() {
  const index = keyPlace();
  const phoneme = now.phonemes[selected?.phoneme];
  const focused = document.activeElement;
  find(".nothing").hidden = index >= 0 || Boolean(phoneme);
  find(".key-panel").hidden = index < 0;
  find(".phoneme-panel").hidden = !phoneme;
  if (index >= 0) fillKeyPanel(now.keys[index], index);
  if (phoneme) fillPhonemePanel(phoneme, selected.phoneme);
  if (find(".inspector").contains(focused) && !focused.offsetParent) playhead.focus({ preventScroll: true });
}

function fillKeyPanel(key, index) {
  const grid = makeGrid(data);
  const field = find(".frame");
  find(".key-panel .title").textContent = `Key frame ${index + 1} of ${now.keys.length}`;
  field.value = key.frame;
  field.step = data.step;
  field.disabled = !isInner(index);
  field.min = isInner(index) ? grid.frame(grid.place(now.keys[index - 1].frame) + 1) : key.frame;
  field.max = isInner(index) ? grid.frame(grid.place(now.keys[index + 1].frame) - 1) : key.frame;
  enable(find(".delete"), isInner(index));
  enable(find(".plain"), !same(key.handles, PLAIN));
  enable(find(".key-panel .previous"), index > 0);
  enable(find(".key-panel .next"), index < now.keys.length - 1);
  find(".exact").hidden = key.weights === null;
  for (const [name, value] of Object.entries(key.handles)) {
    fillHandle(find(`[data-handle="${name}"]`), value, HANDLES[name]);
  }
}

function fillHandle(row, value, { low, high, rest }) {
  const share = (number) => (100 * (number - low)) / (high - low);
  row.style.setProperty("--from", `${share(Math.min(value, rest))}%`);
  row.style.setProperty("--to", `${share(Math.max(value, rest))}%`);
  for (const input of row.querySelectorAll("input")) if (Number(input.value) !== value) input.value = value;
  enable(row.querySelector("button"), value !== rest);
}

function fillPhonemePanel(phoneme, index) {
  const last = now.phonemes.length - 1;
  find(".phoneme-panel .title").textContent = `Phoneme ${index + 1} of ${last + 1}`;
  find(".label").value = phoneme.label;
  for (const side of ["start", "end"]) {
    const field = find(`.phoneme-panel .${side}`);
    field.value = phoneme[side].toFixed(2);
    field.disabled = side === "start" ? index === 0 : index === last;
  }
  enable(find(".phoneme-panel .previous"), index > 0);
  enable(find(".phoneme-panel .next"), index < last);
}

function makeHandles() {
  for (const [name, { low, high, rest }] of Object.entries(HANDLES)) {
    const [title, help] = HANDLE_TEXTS[name];
    const id = `${element.id}-${name}`;
    const range = `min="${low}" max="${high}" step="0.05" value="${rest}"`;
    const row = document.createElement("div");
    row.className = "shaper";
    row.dataset.handle = name;
    row.innerHTML =
      `<label for="${id}">${title}</label>` +
      `<input type="range" id="${id}" aria-describedby="${id}-help" ${range}>` +
      `<input type="number" aria-label="${title} as a number" ${range}>` +
      `<button type="button" aria-label="Reset ${title}" title="Back to ${rest}">↺</button>` +
      `<small id="${id}-help">${help}</small>`;
    find(".handles").append(row);
    const [bar, number] = row.querySelectorAll("input");
    bar.addEventListener("input", () => shape({ [name]: Number(bar.value) }, `${selected.key} ${name}`));
    bar.addEventListener("change", () => versions.close());
    number.addEventListener("change", () => shape({ [name]: clamp(Number(number.value), low, high) }));
    row.querySelector("button").addEventListener("click", (event) => {
      if (!isOff(event.currentTarget)) shape({ [name]: rest });
    });
  }
}

/** Set handles of the selected key; all four are written, so that an edit says everything about its key. */
function shape(handles, gesture = null) {
  const key = now.keys[keyPlace()];
  commit({ do: "shape key", frame: key.frame, ...key.handles, ...handles }, gesture);
}

function makeLabels() {
  const words = EXAMPLES.split(" ");
  const groups = Object.entries(GROUPS).map(([kind, name]) => {
    const group = document.createElement("optgroup");
    group.label = name;
    for (const [index, label] of data.labels.entries()) {
      const word = words[words.findIndex((one, place) => place % 2 === 0 && one === label) + 1];
      if (data.kinds[index] === kind) group.append(new Option(label === "sil" ? word : `${label} – ${word}`, label));
    }
    return group;
  });
  find(".label").replaceChildren(...groups);
}

function retime(side, value) {
  const { start, end } = now.phonemes[selected.phoneme];
  const time = Number(value);
  const moved = side === "start" ? { start: Math.min(time, end - SHORTEST), end } : { start, end: time };
  commit({ do: "retime", phoneme: selected.phoneme, ...moved, end: Math.max(moved.end, moved.start + SHORTEST) });
}

// ---- files of edits

function save() {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([writeEdits(versions.edits)], { type: "application/json" }));
  link.download = "kmtalk-edits.json";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

async function open(file) {
  try {
    versions.add(readEdits(data, await file.text()));
    refresh();
    tell(`${countOf(versions.edits.length)} loaded from ${file.name}`);
  } catch (error) {
    tell(error.message, true);
  }
}

// ---- buttons and fields

function walkKeys(direction) {
  const { frame } = now.keys[keyPlace() + direction];
  select({ key: frame });
  seek(timeOf(frame));
}

function walkPhonemes(direction) {
  select({ phoneme: selected.phoneme + direction });
  seek(now.phonemes[selected.phoneme].start);
}

const BUTTONS = {
  ".undo": undo,
  ".redo": redo,
  ".reset": reset,
  ".add": () => addKey(frameAt(position())),
  ".save": save,
  ".open": () => find(".file").click(),
  ".complete": complete,
  ".key-panel .previous": () => walkKeys(-1),
  ".key-panel .next": () => walkKeys(1),
  ".phoneme-panel .previous": () => walkPhonemes(-1),
  ".phoneme-panel .next": () => walkPhonemes(1),
  ".plain": () => shape(PLAIN),
  ".delete": deleteKey,
};

for (const [selector, act] of Object.entries(BUTTONS)) {
  const button = find(selector);
  enable(button, false);
  button.addEventListener("click", () => isOff(button) || act());
}
find(".frame").addEventListener("change", (event) => moveKey(Number(event.target.value)));
find(".label").addEventListener("change", (event) => {
  commit({ do: "relabel", phoneme: selected.phoneme, label: event.target.value });
});
for (const side of ["start", "end"]) {
  find(`.phoneme-panel .${side}`).addEventListener("change", (event) => retime(side, event.target.value));
}
find(".file").addEventListener("change", ({ target }) => {
  if (target.files[0]) open(target.files[0]);
  target.value = ""; // so that the same file can be chosen again
});
find(".timeline").addEventListener("rest", rest);
find(".timeline").addEventListener("keydown", (event) => {
  if (!data || !(event.ctrlKey || event.metaKey) || event.altKey) return;
  const key = event.key.toLowerCase();
  if (key !== "z" && key !== "y") return;
  event.preventDefault();
  if (key === "y" || event.shiftKey) redo();
  else undo();
});
makeHandles();
if (!matchMedia("(prefers-reduced-motion: reduce)").matches) {
  find(".spinner").animate([{ rotate: "0turn" }, { rotate: "1turn" }], { duration: 900, iterations: Infinity });
}
