// Draws a Head with WebGL 2 and the renderer's own shaders. SCENE holds what kmtalk.render knows: shader sources,
// lights, cameras and backdrops. Put before viewer.js, after viewer_head.js.
const EYE_KIND = 2;
const WIRE_COLOR = [0.62, 0.93, 0.87]; // display RGB

class Scene {
  /** Throws where there is no WebGL 2. */
  constructor(canvas) {
    // Light reaches the eye as the video's does: MSAA, straight pixels, nothing behind them but what is drawn.
    const gl = canvas.getContext("webgl2", { antialias: true, alpha: true, premultipliedAlpha: true });
    if (!gl) throw new Error("no WebGL 2");
    this.gl = gl;
    this.programs = {};
    for (const [name, sources] of Object.entries(SCENE.programs)) this.programs[name] = new Program(gl, ...sources);
    this.#makeShadow();
    const corners = [{ name: "corner", size: 2, buffer: this.#filled(new Float32Array([-1, -1, 1, -1, -1, 1, 1, 1])) }];
    this.behind = this.#connect("behind", corners);
    this.white = this.#makeTexture(null);
    gl.cullFace(gl.BACK);
  }

  /** Take over a head's fixed arrays; what moves comes with draw(). */
  show(head) {
    const { gl } = this;
    this.#drop();
    this.head = head;
    this.texture = head.image ? this.#makeTexture(head.image) : this.white;
    const moving = () => gl.createBuffer();
    this.buffers = { position: moving(), normal: moving(), meshPosition: moving(), meshNormal: moving() };
    const place = [{ name: "position", size: 3, buffer: this.buffers.position }];
    const placed = [...place, { name: "normal", size: 3, buffer: this.buffers.normal }];
    this.meshes = { shadow: this.#connect("shadow", place, head.triangles) };
    for (const look of ["skin", "clay"]) {
      const fixed = Object.entries(lookArrays(head, look)).map(([name, { values, size }]) => {
        return { name, size, buffer: this.#filled(values) };
      });
      this.meshes[look] = this.#connect("face", [...placed, ...fixed], head.triangles);
    }
    const mesh = [
      { name: "position", size: 3, buffer: this.buffers.meshPosition },
      { name: "normal", size: 3, buffer: this.buffers.meshNormal },
    ];
    this.meshes.body = this.#connect("wire", mesh, head.meshTriangles);
    this.meshes.lines = this.#connect("wire", mesh, meshEdges(head.mesh, head.header.arrays.mesh.shape[1]));
  }

  /** Draw the head as it is posed: {look, wireframe, backdrop: [inner, outer] or null, camera, width, height}. */
  draw(view) {
    const { gl } = this;
    this.#setUniforms(view);
    if (view.wireframe) this.#moveMesh();
    else this.#moveSurface(view.look);
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.viewport(0, 0, view.width, view.height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    gl.disable(gl.DEPTH_TEST);
    this.#render(this.behind, gl.TRIANGLE_STRIP);
    gl.enable(gl.DEPTH_TEST);
    if (view.wireframe) this.#drawWires();
    else this.#drawSurface(view.look);
  }

  #moveSurface(look) {
    const { gl, head, buffers } = this;
    this.#fill(buffers.position, head.positions);
    this.#fill(buffers.normal, head.normals);
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.shadow.target);
    gl.viewport(0, 0, SCENE.shadowPixels, SCENE.shadowPixels);
    gl.clear(gl.DEPTH_BUFFER_BIT);
    this.#cull();
    gl.enable(gl.DEPTH_TEST);
    this.#render(this.meshes.shadow, gl.TRIANGLES, this.#count(look));
  }

  #drawSurface(look) {
    const { gl } = this;
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, look === "skin" ? this.texture : this.white);
    gl.activeTexture(gl.TEXTURE1);
    gl.bindTexture(gl.TEXTURE_2D, this.shadow.map);
    this.#cull();
    this.#render(this.meshes[look], gl.TRIANGLES, this.#count(look));
  }

  #moveMesh() {
    const { head, buffers } = this;
    addNormals(head.vertices, head.meshTriangles, head.meshNormals);
    this.#fill(buffers.meshPosition, head.vertices);
    this.#fill(buffers.meshNormal, head.meshNormals);
  }

  #drawWires() {
    const { gl, programs } = this;
    gl.disable(gl.CULL_FACE);
    gl.enable(gl.POLYGON_OFFSET_FILL);
    gl.polygonOffset(1, 1.5); // the body steps back, so that it hides no line of its own
    programs.wire.set({ wireBody: 1 });
    this.#render(this.meshes.body, gl.TRIANGLES);
    gl.disable(gl.POLYGON_OFFSET_FILL);
    programs.wire.set({ wireBody: 0 });
    this.#render(this.meshes.lines, gl.LINES);
  }

  #cull() {
    const { gl, head } = this;
    if (head.header.solid) gl.enable(gl.CULL_FACE);
    else gl.disable(gl.CULL_FACE);
  }

  #count = (look) => (look === "clay" ? this.head.header.bald * 3 : this.head.triangles.length);

  #setUniforms({ camera, backdrop, width, height }) {
    const [inner, outer] = backdrop ?? [[0, 0, 0], [0, 0, 0]];
    const uniforms = {
      ...SCENE.light,
      viewProjection: multiply(perspective(camera, width, height), lookAt(camera)),
      eye: eyeOf(camera),
      resolution: [width, height],
      fade: this.head.header.solid ? SCENE.fade : SCENE.noFade,
      backdropInner: inner,
      backdropOuter: outer,
      backdropClear: backdrop ? 0 : 1,
      wireColor: WIRE_COLOR,
      albedo: 0,
      shadowMap: 1,
    };
    for (const program of Object.values(this.programs)) program.set(uniforms);
  }

  #render({ program, array, count, type }, mode, some = count) {
    const { gl } = this;
    gl.useProgram(program.handle);
    gl.bindVertexArray(array);
    if (type) gl.drawElements(mode, some, type, 0);
    else gl.drawArrays(mode, 0, count);
  }

  #connect(name, attributes, indices) {
    const { gl } = this;
    const program = this.programs[name];
    const array = gl.createVertexArray();
    gl.bindVertexArray(array);
    for (const { name: attribute, size, buffer } of attributes) {
      const place = gl.getAttribLocation(program.handle, attribute);
      if (place < 0) continue; // the driver found that nothing depends on it
      gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
      gl.enableVertexAttribArray(place);
      gl.vertexAttribPointer(place, size, gl.FLOAT, false, 0, 0);
    }
    if (!indices) return { program, array, count: 4 };
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, indices, gl.STATIC_DRAW);
    const type = indices instanceof Uint16Array ? gl.UNSIGNED_SHORT : gl.UNSIGNED_INT;
    return { program, array, count: indices.length, type };
  }

  #filled(values) {
    const { gl } = this;
    const buffer = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.bufferData(gl.ARRAY_BUFFER, values, gl.STATIC_DRAW);
    return buffer;
  }

  #fill(buffer, values) {
    const { gl } = this;
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.bufferData(gl.ARRAY_BUFFER, values, gl.DYNAMIC_DRAW);
  }

  #makeTexture(image) {
    const { gl } = this;
    const texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, texture);
    const white = new Uint8Array([255, 255, 255, 255]);
    if (image) gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, image);
    else gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 1, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, white);
    gl.generateMipmap(gl.TEXTURE_2D);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR_MIPMAP_LINEAR);
    return texture;
  }

  #makeShadow() {
    const { gl } = this;
    const size = SCENE.shadowPixels;
    const map = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, map);
    gl.texStorage2D(gl.TEXTURE_2D, 1, gl.DEPTH_COMPONENT24, size, size);
    for (const [name, value] of [
      ["MIN_FILTER", "LINEAR"],
      ["MAG_FILTER", "LINEAR"],
      ["WRAP_S", "CLAMP_TO_EDGE"],
      ["WRAP_T", "CLAMP_TO_EDGE"],
      ["COMPARE_MODE", "COMPARE_REF_TO_TEXTURE"],
      ["COMPARE_FUNC", "LEQUAL"],
    ]) {
      gl.texParameteri(gl.TEXTURE_2D, gl[`TEXTURE_${name}`], gl[value]);
    }
    const target = gl.createFramebuffer();
    gl.bindFramebuffer(gl.FRAMEBUFFER, target);
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.DEPTH_ATTACHMENT, gl.TEXTURE_2D, map, 0);
    this.shadow = { map, target };
  }

  #drop() {
    if (!this.head) return;
    const { gl } = this;
    // What the arrays hold on to goes with them.
    for (const { array } of Object.values(this.meshes)) gl.deleteVertexArray(array);
    for (const buffer of Object.values(this.buffers)) gl.deleteBuffer(buffer);
    if (this.texture !== this.white) gl.deleteTexture(this.texture);
  }
}

class Program {
  #places = {};

  constructor(gl, vertex, fragment) {
    this.gl = gl;
    this.handle = gl.createProgram();
    for (const [type, source] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
      const shader = gl.createShader(type);
      gl.shaderSource(shader, SCENE.preamble + source);
      gl.compileShader(shader);
      gl.attachShader(this.handle, shader);
      if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS) && !gl.isContextLost()) {
        throw new Error(gl.getShaderInfoLog(shader));
      }
    }
    gl.linkProgram(this.handle);
    const count = gl.getProgramParameter(this.handle, gl.ACTIVE_UNIFORMS) ?? 0;
    for (let index = 0; index < count; index++) {
      const { name, type } = gl.getActiveUniform(this.handle, index);
      this.#places[name.replace("[0]", "")] = { place: gl.getUniformLocation(this.handle, name), type };
    }
  }

  set(values) {
    const { gl } = this;
    gl.useProgram(this.handle);
    for (const [name, { place, type }] of Object.entries(this.#places)) {
      const value = values[name];
      if (value === undefined) continue;
      if (type === gl.FLOAT_MAT4) gl.uniformMatrix4fv(place, false, value);
      else if (type === gl.FLOAT_VEC3) gl.uniform3fv(place, value);
      else if (type === gl.FLOAT_VEC2) gl.uniform2fv(place, value);
      else if (type === gl.FLOAT) gl.uniform1f(place, value);
      else gl.uniform1i(place, value);
    }
  }
}

// What stays the same at every vertex of the surface, in skin or in clay.
function lookArrays({ uv, color, material, kind, header }, look) {
  const clay = look === "clay" ? header.clay : null;
  const colors = clay ? new Float32Array(color.length) : color;
  const materials = new Float32Array(kind.length * 4);
  for (let i = 0; i < kind.length; i++) {
    if (clay) colors.set(clay.color, i * 3);
    const [roughness, scattering] = clay ? clay.gloss : material.subarray(i * 3, i * 3 + 2);
    const own = clay && kind[i] === EYE_KIND ? 0 : kind[i];
    materials.set([roughness, scattering, material[i * 3 + 2], own], i * 4);
  }
  return {
    uv: { values: uv, size: 2 },
    color: { values: colors, size: 3 },
    material: { values: materials, size: 4 },
  };
}

function meshEdges(mesh, corners) {
  const edges = new Set();
  const span = 2 ** 26; // more vertices than a face has
  for (let i = 0; i < mesh.length; i++) {
    const next = mesh[i % corners === corners - 1 ? i - corners + 1 : i + 1];
    edges.add(Math.min(mesh[i], next) * span + Math.max(mesh[i], next));
  }
  const ends = new mesh.constructor(edges.size * 2);
  let to = 0;
  for (const edge of edges) {
    ends[to++] = Math.floor(edge / span);
    ends[to++] = edge % span;
  }
  return ends;
}
