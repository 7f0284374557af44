// Lines over a dark body that hides those behind it. Put after backdrop.glsl.
in vec3 vPosition, vNormal;
in float vLit;
out vec4 pixel;

uniform vec2 resolution, fade;
uniform vec3 eye, wireColor;  // display RGB
uniform float wireBody;       // 1 for the body, 0 for the lines

void main() {
    float facing = abs(dot(normalize(vNormal), normalize(eye - vPosition)));
    vec4 behind = backdrop(gl_FragCoord.xy / resolution * 2.0 - 1.0);
    vec3 body = wireColor * (0.07 + 0.13 * vLit);
    vec3 line = wireColor * (0.42 + 0.58 * min(vLit, 1.0));
    // Seen from the side, lines crowd: there they step back.
    vec3 seen = mix(body, line, (1.0 - wireBody) * mix(0.35, 1.0, facing));
    pixel = mix(behind, vec4(seen, 1.0), smoothstep(fade.x, fade.y, vPosition.y));
}
