// Places a vertex and gathers the light on it that changes slowly over a face: everything but the key light.
in vec3 position;
in vec3 normal;
in vec2 uv;
in vec3 color;     // linear, multiplies the texture
in vec4 material;  // roughness, scattering, occlusion, kind: 0 plain, 1 inside the mouth, 2 eye

uniform mat4 viewProjection, lightProjection;
uniform sampler2DShadow shadowMap;
uniform vec3 sky, ground;
uniform vec3 lightDirection[4], lightColor[4];  // key, fill, rim right, rim left

out vec3 vPosition, vNormal, vColor;
out vec4 vLight;  // light of fill, rims and sky; how much of the key light arrives
out vec2 vUv;
out vec4 vMaterial;

const int TAPS = 12;
const float PENUMBRA = 0.0120;  // of the shadow map's width

float keyShadow() {
    // A step along the normal keeps the surface out of its own shadow.
    vec3 seen = (lightProjection * vec4(position + normal * 0.0008, 1.0)).xyz * 0.5 + 0.5;
    float sum = 0.0;
    for (int i = 0; i < TAPS; i++) {
        float radius = sqrt((float(i) + 0.5) / float(TAPS)) * PENUMBRA;
        float angle = float(i) * 2.399963;
        sum += texture(shadowMap, vec3(seen.xy + vec2(cos(angle), sin(angle)) * radius, seen.z - 0.0015));
    }
    return sum / float(TAPS);
}

void main() {
    float scattering = material.y, occlusion = max(material.z, 0.001);
    bool inMouth = material.w == 1.0;
    // Light that reaches a hollow in skin has lost its blue and green, not its red.
    vec3 ambient = pow(vec3(occlusion), mix(vec3(1.15), vec3(0.80, 1.15, 1.25), scattering));
    vec3 hollow = mix(ambient, vec3(1.0), 0.45);
    vec3 light = lightColor[1] * diffuse(dot(normal, lightDirection[1]), scattering) * ambient;
    light += mix(ground, sky, normal.y * 0.5 + 0.5) * ambient * ambient;
    if (inMouth) {
        light += vec3(0.11, 0.08, 0.08) / hollow;  // what lips and cheeks throw back and forth
    } else {
        for (int i = 2; i < 4; i++) {
            light += lightColor[i] * diffuse(dot(normal, lightDirection[i]), scattering * 0.6) * occlusion;
        }
    }
    float shadow = dot(normal, lightDirection[0]) > -0.35 ? keyShadow() : 0.0;
    vLight = vec4(light, inMouth ? max(shadow, 0.30) : shadow);
    vColor = color * hollow;
    vPosition = position;
    vNormal = normal;
    vUv = uv;
    vMaterial = material;
    gl_Position = viewProjection * vec4(position, 1.0);
}
