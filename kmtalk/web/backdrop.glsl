// The colour behind the head at a point of the picture, -1 to 1 from corner to corner; put before both fragment shaders.
uniform vec3 backdropInner, backdropOuter;
uniform float backdropClear;  // 1: nothing is behind the head; pixels are multiplied by their alpha

vec4 backdrop(vec2 point) {
    float away = length((point - vec2(0.0, 0.12)) * vec2(0.75, 0.85));
    // Noise of one step in 255 hides the bands that video compression would make of a smooth gradient.
    float noise = fract(52.9829189 * fract(dot(gl_FragCoord.xy, vec2(0.06711056, 0.00583715))));
    vec3 color = mix(backdropInner, backdropOuter, smoothstep(0.0, 1.25, away)) + (noise - 0.5) / 255.0;
    return vec4(color, 1.0) * (1.0 - backdropClear);
}
