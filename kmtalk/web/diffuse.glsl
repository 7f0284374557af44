// Put before face.vert.glsl and face.frag.glsl.

// Diffuse light that wraps round the terminator, red furthest, as it does under skin.
vec3 diffuse(float lit, float scattering) {
    vec3 wrap = vec3(0.28, 0.16, 0.12) * scattering;
    return clamp((lit + wrap) / ((1.0 + wrap) * (1.0 + wrap)), 0.0, 1.0);
}
