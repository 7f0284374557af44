const MOST_PIXELS = 2.4e6; // of the drawing; a phone's screen has more than its graphics card can fill at ease
const SLOW = 45; // ms between drawings, beyond which a moving picture gets coarser to keep up
const PLAY = "M8 5.2v13.6L19 12z";
const PAUSE = "M7 5.5h3.4v13H7zM13.6 5.5H17v13h-3.4z";
const MISSING = "This browser cannot show 3D here (it has no WebGL 2): the face will be in the video.";
const LOST = "The graphics card is busy elsewhere; the 3D view comes back by itself.";
const FAILED = "The face could not be loaded: reload the page to try again.";
const SILENT = "The sound could not be loaded: press Animate again.";

const find = (selector) => element.querySelector(selector);
const root = find(".viewer");
const canvas = find("canvas");
const audio = find("audio");
const position = find(".position");
const clock = sharedClock(element.closest(".gradio-container") || document);
const orbit = new Orbit(canvas);
const heads = new Map(); // address of a head's file -> promise of the Head
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const gone = new AbortController();

let value = null;
let scene = null;
let head = null;
let motion = null; // {fps, frames, duration, columns, values: (frames, columns)}
let look = "skin";
let wireframe = false;
let starting = false; // whether the sound is about to play by itself
let onScreen = true;
let drawing = 0; // the animation frame that is asked for
let pace = { last: 0, mean: 0, detail: 1 }; // of the picture while it moves; standing still it has all its detail
let posed = {}; // what the head's arrays hold now: {head, motion, frame}

const frameNow = () => (motion ? Math.min(Math.max(Math.floor(clock.time * motion.fps + 0.01), 0), motion.frames - 1) : 0);

// ---- a new value

function load() {
  const before = value ?? {};
  value = props.value || { ...before, motion: null, sound: null };
  if (value.camera !== before.camera) orbit.go(SCENE.cameras[value.camera]);
  if (value.look !== before.look) setLook(value.look);
  const { identity, faces } = value;
  if (faces && faces[identity].geometry.url !== before.faces?.[before.identity].geometry.url) showFace(faces[identity]);
  if (value.motion?.track !== before.motion?.track || value.motion?.fps !== before.motion?.fps) {
    motion = value.motion && readMotion(value.motion);
    if (motion) clock.duration = motion.duration;
  }
  setSound(value.sound?.url, before.sound?.url);
  if (motion && value.take !== before.take) begin();
  root.classList.toggle("clear", value.background === "transparent");
  refresh();
  paint();
}

async function showFace(face) {
  const address = face.geometry.url;
  if (!head && face.portrait) Object.assign(find(".portrait"), { src: face.portrait.url, hidden: false });
  if (!heads.has(address)) heads.set(address, Head.load(face));
  try {
    const loaded = await heads.get(address);
    if (value.faces[value.identity].geometry.url !== address) return; // another one was chosen meanwhile
    head = loaded;
    if (!scene) return;
    scene.show(head);
    say("");
    paint();
  } catch {
    heads.delete(address);
    say(FAILED);
  }
}

function readMotion({ track, steps, ...rest }) {
  const bytes = Uint8Array.from(atob(track), (letter) => letter.charCodeAt(0));
  const columns = steps.length;
  const values = Float32Array.from(new Int16Array(bytes.buffer), (number, i) => number * steps[i % columns]);
  return { ...rest, columns, values };
}

function setSound(url, before) {
  if (url === before) return;
  if (url) return void (audio.src = url);
  audio.removeAttribute("src");
  audio.load();
}

// Somebody pressed Animate: from the beginning, at once, unless they or the browser want it quiet.
async function begin() {
  clock.pause();
  clock.seek(0);
  const { take } = value;
  starting = !calm.matches;
  if (starting && (await playable()) && value.take === take) await clock.play();
  starting = false;
  refresh();
}

function playable() {
  if (audio.readyState > 0) return true;
  return new Promise((resolve) => {
    audio.addEventListener("loadedmetadata", () => resolve(true), { once: true });
    audio.addEventListener("error", () => resolve(false), { once: true });
  });
}

// ---- drawing

function makeScene() {
  try {
    scene = new Scene(canvas);
    if (head) scene.show(head);
    say("");
  } catch (error) {
    if (canvas.getContext("webgl2")?.isContextLost()) return;
    root.classList.add("flat");
    find(".notice").title = error.message;
    say(MISSING);
  }
}

function paint() {
  if (!drawing) drawing = requestAnimationFrame(draw);
}

function draw() {
  cancelAnimationFrame(drawing);
  drawing = 0;
  if (onScreen) render();
}

function render() {
  if (!scene || !head || !value) return;
  pose(frameNow());
  scene.draw(view());
  root.classList.remove("empty");
  find(".portrait").hidden = true;
}

function pose(frame) {
  if (posed.head !== head || posed.motion !== motion || posed.frame !== frame) head.pose(frameValues(frame));
  posed = { head, motion, frame };
  root.dataset.frame = frame;
}

function frameValues(frame) {
  const columns = head.header.shapes.length + 6;
  if (motion?.columns !== columns) return new Float32Array(columns); // at rest, or a motion of another kind of face
  return motion.values.subarray(frame * columns, (frame + 1) * columns);
}

function view() {
  const { clientWidth, clientHeight } = canvas;
  const most = Math.sqrt(MOST_PIXELS / Math.max(clientWidth * clientHeight, 1));
  const density = Math.min(devicePixelRatio, 2, most) * (clock.playing ? pace.detail : 1);
  const [width, height] = [clientWidth, clientHeight].map((side) => Math.max(Math.round(side * density), 1));
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  return { camera: orbit.camera, look, wireframe, backdrop: backdropOf(value.background), width, height };
}

function backdropOf(name) {
  if (name === "transparent") return null;
  if (SCENE.backdrops[name]) return SCENE.backdrops[name];
  const color = [1, 3, 5].map((place) => parseInt(name.slice(place, place + 2), 16) / 255);
  return color.some(Number.isNaN) ? SCENE.backdrops.studio : [color, color];
}

// ---- what the controls say

function refresh() {
  const playing = clock.playing;
  root.classList.toggle("resting", !motion);
  find(".hint").textContent = props.hint ?? "";
  find(".start").hidden = !motion || playing || starting || !clock.ready || clock.time > 0.02;
  find(".play").setAttribute("aria-label", playing ? "Pause" : "Play");
  find(".play path").setAttribute("d", playing ? PAUSE : PLAY);
  press(".mute", clock.muted);
  position.max = motion ? motion.frames - 1 : 0;
  tellTime();
}

function tellTime() {
  if (!motion) return;
  const frame = frameNow();
  const time = clock.time.toFixed(1);
  position.value = frame;
  position.style.setProperty("--done", `${(100 * frame) / Math.max(motion.frames - 1, 1)}%`);
  position.setAttribute("aria-valuetext", `${(frame / motion.fps).toFixed(2)} s, frame ${frame}`);
  find(".time").textContent = `${time} / ${motion.duration.toFixed(1)} s`;
}

function follow() {
  if (!element.isConnected) return gone.abort();
  if (!clock.playing) {
    if (pace.last) Object.assign(pace, { last: 0, detail: Math.min(pace.detail / 0.7, 1) });
    refresh();
    return paint();
  }
  keepPace();
  tellTime();
  if (posed.frame !== frameNow()) draw();
}

function keepPace() {
  const now = performance.now();
  const waited = pace.last ? Math.min(now - pace.last, 4 * SLOW) : 0;
  pace.last = now;
  pace.mean += (waited - pace.mean) * 0.2;
  if (pace.mean < SLOW || pace.detail < 0.35) return;
  pace.detail *= 0.7;
  pace.mean = 0;
}

function say(sentence) {
  Object.assign(find(".notice"), { textContent: sentence, hidden: !sentence });
}

function press(button, pressed) {
  find(button).setAttribute("aria-pressed", pressed);
}

function setLook(chosen) {
  look = chosen;
  press(".clay", look === "clay");
  paint();
}

function toggleWires() {
  wireframe = !wireframe;
  press(".wire", wireframe);
  paint();
}

function toggleFull() {
  if (document.fullscreenElement === root) document.exitFullscreen();
  else if (root.requestFullscreen) root.requestFullscreen();
  else root.classList.toggle("filling"); // iPhones fill the screen with videos alone
  showFull();
}

function showFull() {
  press(".full", document.fullscreenElement === root || root.classList.contains("filling"));
}

// ---- what happens

clock.addEventListener("time", follow, { signal: gone.signal });
clock.addEventListener("state", refresh, { signal: gone.signal });
orbit.addEventListener("turn", paint);
audio.addEventListener("error", () => audio.hasAttribute("src") && say(SILENT));
canvas.addEventListener("keydown", (event) => {
  if (event.key !== " ") return;
  event.preventDefault();
  clock.toggle();
});
canvas.addEventListener("webglcontextlost", (event) => {
  event.preventDefault(); // or it would not come back
  scene = null;
  say(LOST);
});
canvas.addEventListener("webglcontextrestored", () => (makeScene(), paint()));
position.addEventListener("input", () => motion && clock.seek(position.value / motion.fps));
for (const [name, act] of Object.entries({
  start: () => clock.play(),
  play: () => clock.toggle(),
  mute: () => (clock.muted = !clock.muted),
  clay: () => setLook(look === "clay" ? "skin" : "clay"),
  wire: toggleWires,
  reset: () => orbit.reset(),
  full: toggleFull,
})) {
  find(`.${name}`).addEventListener("click", act);
}
document.addEventListener("fullscreenchange", showFull, { signal: gone.signal });
new ResizeObserver(draw).observe(canvas);
new IntersectionObserver(([{ isIntersecting }]) => {
  onScreen = isIntersecting;
  paint();
}).observe(root);

// For tests and the curious: how it is drawn now, the drawn vertices of a frame, (R, 3) metres, and the picture.
root.inspect = {
  view,
  positions(frame) {
    pose(frame);
    paint();
    return head.positions.slice();
  },
  picture() {
    render();
    return canvas.toDataURL();
  },
};

root.classList.add("empty");
orbit.go(SCENE.cameras.front);
makeScene();
watch("value", load);
load();
