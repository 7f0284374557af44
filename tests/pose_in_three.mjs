// Load a GLB file in three.js, play its animation to some times, and write every vertex where it then stands.
// Arguments: the GLB, the file to write (float32, time by time, mesh by mesh), the times in seconds. Prints what it saw.
import { readFileSync, writeFileSync } from "node:fs";

globalThis.self = globalThis;
globalThis.createImageBitmap = async () => ({ width: 1, height: 1, close() {} });
const { AnimationMixer, LoopOnce, Vector3 } = await import("three");
const { GLTFLoader } = await import("three/addons/loaders/GLTFLoader.js");

const [source, target, ...times] = process.argv.slice(1);
const { buffer } = new Uint8Array(readFileSync(source));
const { scene, animations } = await new GLTFLoader().parseAsync(buffer, "");
const meshes = [];
scene.traverse((node) => node.isMesh && meshes.push(node));

const mixer = new AnimationMixer(scene);
const action = mixer.clipAction(animations[0]);
action.setLoop(LoopOnce).play();
action.clampWhenFinished = true;
const frames = times.map((time) => {
  mixer.setTime(Number(time));
  scene.updateMatrixWorld(true);
  return meshes.flatMap((mesh) => positions(mesh));
});
writeFileSync(target, new Float32Array(frames.flat()));
console.log(
  JSON.stringify({
    animations: animations.map(({ name, duration }) => ({ name, duration })),
    meshes: meshes.map(({ material, morphTargetDictionary }) => ({
      material: material.name,
      textured: Boolean(material.map),
      targets: Object.keys(morphTargetDictionary),
    })),
  }),
);

function positions(mesh) {
  const place = new Vector3();
  return Array.from({ length: mesh.geometry.attributes.position.count }, (_, index) =>
    mesh.getVertexPosition(index, place).toArray(),
  ).flat();
}
