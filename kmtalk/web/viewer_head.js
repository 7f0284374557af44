// The head as kmtalk/web/geometry.py packs it, and its pose in a frame: what kmtalk.render.surface computes, in numbers
// that leave for the graphics card. Put before viewer.js.
class Head {
  /** Fetch and unpack a head; rejects where that fails. */
  static async load({ geometry, texture }) {
    const [packed, picture] = await Promise.all([fetchOk(geometry.url), texture ? fetchOk(texture.url) : null]);
    const unpacked = packed.body.pipeThrough(new DecompressionStream("gzip"));
    const data = await new Response(unpacked).arrayBuffer();
    const image = picture && (await createImageBitmap(await picture.blob(), { colorSpaceConversion: "none" }));
    return new Head(data, image);
  }

  constructor(data, image) {
    const length = new DataView(data).getUint32(0, true);
    this.header = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)));
    this.image = image;
    for (const [name, about] of Object.entries(this.header.arrays)) this[name] = readArray(data, 4 + length, about);
    for (let i = 1; i < this.uv.length; i += 2) this.uv[i] = 1 - this.uv[i]; // pictures start at the top here
    this.moves = shapeMoves(this);
    this.weights = Float32Array.from(this.refine_weight, (steps) => steps * this.header.refine_step);
    this.vertices = new Float32Array(this.template.length);
    this.positions = new Float32Array(this.kind.length * 3);
    this.normals = new Float32Array(this.kind.length * 3);
    this.meshNormals = new Float32Array(this.template.length);
    this.meshTriangles = meshTriangles(this.mesh, this.header.arrays.mesh.shape[1]);
  }

  /** Fill vertices, positions and normals for the weights of the shapes and a head pose, one after the other. */
  pose(values) {
    const shapes = this.header.shapes.length;
    this.#move(values);
    const pose = values.subarray(shapes, shapes + 6);
    if (pose.some((value) => value !== 0)) this.#turn(pose);
    this.#refine();
    addNormals(this.positions, this.triangles, this.normals);
    // Lashes are thin spikes and the tongue is lumpy: both are lit as if they were smooth and turned to the viewer.
    lean(this.normals, this.lashes, 0, [0, 0.3, 0.954]);
    lean(this.normals, this.tongue, 1, [0, 0.55, 0.55]);
  }

  #move(values) {
    const { vertices, basis_vertex: target, moves } = this;
    vertices.set(this.template);
    for (let shape = 0, entry = 0; shape < this.basis_count.length; shape++) {
      const end = entry + this.basis_count[shape];
      const weight = values[shape];
      if (weight === 0) entry = end;
      for (; entry < end; entry++) {
        const to = target[entry] * 3;
        const from = entry * 3;
        vertices[to] += weight * moves[from];
        vertices[to + 1] += weight * moves[from + 1];
        vertices[to + 2] += weight * moves[from + 2];
      }
    }
  }

  #turn(pose) {
    const { vertices, head_weight: share } = this;
    const r = rotation(pose);
    const [px, py, pz] = this.header.pivot;
    const [tx, ty, tz] = [3, 4, 5].map((i) => pose[i] * this.header.scale);
    for (let i = 0, at = 0; i < share.length; i++, at += 3) {
      const weight = share[i];
      if (weight === 0) continue;
      const x = vertices[at] - px;
      const y = vertices[at + 1] - py;
      const z = vertices[at + 2] - pz;
      vertices[at] += weight * (r[0] * x + r[1] * y + r[2] * z - x + tx);
      vertices[at + 1] += weight * (r[3] * x + r[4] * y + r[5] * z - y + ty);
      vertices[at + 2] += weight * (r[6] * x + r[7] * y + r[8] * z - z + tz);
    }
  }

  #refine() {
    const { vertices, positions, weights, refine_vertex: source, refine_count: counts } = this;
    for (let row = 0, entry = 0, at = 0; row < counts.length; row++, at += 3) {
      let x = 0;
      let y = 0;
      let z = 0;
      for (const end = entry + counts[row]; entry < end; entry++) {
        const weight = weights[entry];
        const from = source[entry] * 3;
        x += weight * vertices[from];
        y += weight * vertices[from + 1];
        z += weight * vertices[from + 2];
      }
      positions[at] = x;
      positions[at + 1] = y;
      positions[at + 2] = z;
    }
  }
}

async function fetchOk(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return response;
}

// Columns of differences become rows of values; low and step turn steps into numbers.
function readArray(data, start, { type, shape, place, low, step }) {
  const Type = { uint8: Uint8Array, uint16: Uint16Array, int16: Int16Array, uint32: Uint32Array }[type];
  const rows = shape[0];
  const columns = shape[1] ?? 1;
  const stored = new Type(data, start + place, rows * columns);
  const values = new Type(rows * columns); // wraps round as the writer did
  for (let column = 0, entry = 0; column < columns; column++) {
    let sum = 0;
    for (let at = column; at < values.length; at += columns) {
      values[at] = sum + stored[entry++];
      sum = values[at];
    }
  }
  if (!low) return values;
  const numbers = new Float32Array(values.length);
  for (let at = 0; at < values.length; at++) numbers[at] = low[at % columns] + step[at % columns] * values[at];
  return numbers;
}

function shapeMoves({ basis_move: steps, basis_count: counts, header }) {
  const moves = new Float32Array(steps.length);
  for (let shape = 0, entry = 0; shape < counts.length; shape++) {
    for (const end = entry + counts[shape] * 3; entry < end; entry++) moves[entry] = steps[entry] * header.basis_step[shape];
  }
  return moves;
}

function meshTriangles(mesh, corners) {
  if (corners === 3) return mesh;
  const triangles = new mesh.constructor((mesh.length / 4) * 6);
  for (let i = 0, to = 0; i < mesh.length; i += 4, to += 6) {
    triangles.set([mesh[i], mesh[i + 1], mesh[i + 2], mesh[i], mesh[i + 2], mesh[i + 3]], to);
  }
  return triangles;
}

/** Fill normals with the unit sums of the normals of the triangles that meet at each vertex, larger ones counting more. */
function addNormals(positions, triangles, normals) {
  normals.fill(0);
  for (let i = 0; i < triangles.length; i += 3) {
    const a = triangles[i] * 3;
    const b = triangles[i + 1] * 3;
    const c = triangles[i + 2] * 3;
    const ux = positions[b] - positions[a];
    const uy = positions[b + 1] - positions[a + 1];
    const uz = positions[b + 2] - positions[a + 2];
    const vx = positions[c] - positions[a];
    const vy = positions[c + 1] - positions[a + 1];
    const vz = positions[c + 2] - positions[a + 2];
    const x = uy * vz - uz * vy;
    const y = uz * vx - ux * vz;
    const z = ux * vy - uy * vx;
    normals[a] += x;
    normals[a + 1] += y;
    normals[a + 2] += z;
    normals[b] += x;
    normals[b + 1] += y;
    normals[b + 2] += z;
    normals[c] += x;
    normals[c + 1] += y;
    normals[c + 2] += z;
  }
  for (let at = 0; at < normals.length; at += 3) {
    const x = normals[at];
    const y = normals[at + 1];
    const z = normals[at + 2];
    const scale = 1 / Math.max(Math.sqrt(x * x + y * y + z * z), 1e-20); // Math.hypot is five times as slow
    normals[at] = x * scale;
    normals[at + 1] = y * scale;
    normals[at + 2] = z * scale;
  }
}

// Keep so much of these normals, add a direction, and make them unit again.
function lean(normals, indices, keep, direction) {
  for (const index of indices) {
    const normal = direction.map((value, axis) => value + keep * normals[index * 3 + axis]);
    const size = Math.hypot(...normal);
    normal.forEach((value, axis) => (normals[index * 3 + axis] = value / size));
  }
}

// The 3 x 3 matrix, row by row, of a rotation given as an axis times an angle in radians.
function rotation([x, y, z]) {
  const angle = Math.hypot(x, y, z);
  if (angle === 0) return [1, 0, 0, 0, 1, 0, 0, 0, 1];
  const [i, j, k] = [x / angle, y / angle, z / angle];
  const s = Math.sin(angle);
  const c = Math.cos(angle);
  const d = 1 - c;
  return [
    c + i * i * d, i * j * d - k * s, i * k * d + j * s,
    i * j * d + k * s, c + j * j * d, j * k * d - i * s,
    i * k * d - j * s, j * k * d + i * s, c + k * k * d,
  ];
}
