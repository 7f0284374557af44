// A camera that circles the head by mouse, touch and keys. Put before viewer.js.
const TURN = { pixel: 0.4, key: 5, low: -60, high: 75 }; // degrees
const ZOOM = { near: 0.35, far: 2.4, wheel: 0.0015, key: 1.15 }; // metres; factors

class Orbit extends EventTarget {
  #preset = null;
  #pointers = new Map();
  #armed = false; // whether the wheel zooms: after a click, until the mouse leaves, so that the page can scroll past

  /** Its event "turn" tells that the camera moved. */
  constructor(canvas) {
    super();
    canvas.addEventListener("pointerdown", (event) => this.#press(event));
    canvas.addEventListener("pointermove", (event) => this.#drag(event));
    for (const name of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(name, (event) => this.#pointers.delete(event.pointerId));
    }
    canvas.addEventListener("pointerleave", () => (this.#armed = false));
    canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    canvas.addEventListener("keydown", (event) => this.#key(event));
  }

  /** Go to a camera as kmtalk.render has it; reset() comes back to it. */
  go(preset) {
    this.#preset = preset;
    this.reset();
  }

  reset() {
    this.camera = { ...this.#preset };
    this.#tell();
  }

  turn(azimuth, elevation) {
    const { camera } = this;
    camera.azimuth = ((camera.azimuth + azimuth + 540) % 360) - 180;
    camera.elevation = Math.min(Math.max(camera.elevation + elevation, TURN.low), TURN.high);
    this.#tell();
  }

  zoom(factor) {
    this.camera.distance = Math.min(Math.max(this.camera.distance / factor, ZOOM.near), ZOOM.far);
    this.#tell();
  }

  #tell = () => this.dispatchEvent(new Event("turn"));

  #press(event) {
    if (event.button !== 0) return;
    event.target.setPointerCapture(event.pointerId);
    this.#pointers.set(event.pointerId, event);
    this.#armed = event.pointerType === "mouse";
  }

  #drag(event) {
    const before = this.#pointers.get(event.pointerId);
    if (!before) return;
    const spread = this.#spread();
    this.#pointers.set(event.pointerId, event);
    if (this.#pointers.size > 1) this.zoom(this.#spread() / spread);
    else this.turn((before.clientX - event.clientX) * TURN.pixel, (event.clientY - before.clientY) * TURN.pixel);
  }

  // How far the first two fingers are apart.
  #spread() {
    const [one, two] = this.#pointers.values();
    return two ? Math.max(Math.hypot(one.clientX - two.clientX, one.clientY - two.clientY), 1) : 1;
  }

  #wheel(event) {
    if (!(event.ctrlKey || event.metaKey || this.#armed)) return;
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1);
    this.zoom(Math.exp(-Math.min(Math.max(pixels, -200), 200) * ZOOM.wheel));
  }

  #key(event) {
    const keys = {
      ArrowLeft: () => this.turn(-TURN.key, 0),
      ArrowRight: () => this.turn(TURN.key, 0),
      ArrowUp: () => this.turn(0, TURN.key),
      ArrowDown: () => this.turn(0, -TURN.key),
      "+": () => this.zoom(ZOOM.key),
      "=": () => this.zoom(ZOOM.key),
      "-": () => this.zoom(1 / ZOOM.key),
      0: () => this.reset(),
    };
    if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    keys[event.key]();
  }
}

// ---- cameras: kmtalk.render.camera in JavaScript; matrices stand column by column

function eyeOf({ azimuth, elevation, distance, target }) {
  const [a, e] = [azimuth, elevation].map((degrees) => (degrees * Math.PI) / 180);
  const outward = [Math.sin(a) * Math.cos(e), Math.sin(e), Math.cos(a) * Math.cos(e)];
  return outward.map((value, axis) => target[axis] + distance * value);
}

function lookAt(camera) {
  const eye = eyeOf(camera);
  const back = unit(eye.map((value, axis) => value - camera.target[axis]));
  const right = unit(cross([0, 1, 0], back));
  const up = cross(back, right);
  const shift = [right, up, back].map((axis) => -axis.reduce((sum, value, i) => sum + value * eye[i], 0));
  return [0, 1, 2].flatMap((i) => [right[i], up[i], back[i], 0]).concat(shift, 1);
}

function perspective({ distance, fieldOfView }, width, height) {
  const [near, far] = [distance * 0.2, distance * 3];
  const focal = 1 / Math.tan((fieldOfView * Math.PI) / 360);
  const shorter = Math.min(width, height);
  const x = (focal * shorter) / width;
  const y = (focal * shorter) / height;
  return [x, 0, 0, 0, 0, y, 0, 0, 0, 0, (far + near) / (near - far), -1, 0, 0, (2 * far * near) / (near - far), 0];
}

function multiply(a, b) {
  const product = [];
  for (let column = 0; column < 4; column++) {
    for (let row = 0; row < 4; row++) {
      product.push([0, 1, 2, 3].reduce((sum, i) => sum + a[i * 4 + row] * b[column * 4 + i], 0));
    }
  }
  return product;
}

function cross(a, b) {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

function unit(vector) {
  const size = Math.hypot(...vector);
  return vector.map((value) => value / size);
}
