// Skin, eyes and teeth: the key light, reflections, tone. Put after diffuse.glsl and backdrop.glsl.
in vec3 vPosition, vNormal, vColor;
in vec4 vLight;
in vec2 vUv;
in vec4 vMaterial;
out vec4 pixel;

uniform sampler2D albedo;
uniform vec3 eye;
uniform vec3 lightDirection[4], lightColor[4];  // key, fill, rim right, rim left
uniform vec2 resolution, fade;                  // fade: heights in metres where the bust is gone, and where it is whole
uniform float exposure;

const float PI = 3.14159265;
const float RELIEF = 0.0016;  // metres between black and white

// The texture as relief: brow and hair strokes and the mottling of skin stand out by their lightness.
vec3 relief(vec3 normal, float lightness) {
    vec3 dx = dFdx(vPosition), dy = dFdy(vPosition);
    vec3 across = cross(dy, normal), up = cross(normal, dx);
    float area = dot(dx, across);
    vec3 slope = sign(area) * (dFdx(lightness) * across + dFdy(lightness) * up) * RELIEF;
    return normalize(abs(area) * normal - slope);
}

// Specular reflection of one light off skin-like matter (GGX, Smith, Schlick with 3.5 % at normal incidence).
float gloss(vec3 normal, vec3 view, vec3 light, float roughness, float facing) {
    float lit = dot(normal, light);
    if (lit <= 0.0) return 0.0;
    vec3 middle = normalize(view + light);
    float grazing = 1.0 - max(dot(view, middle), 0.0), grazing2 = grazing * grazing;
    float fresnel = 0.035 + 0.965 * grazing2 * grazing2 * grazing;
    float a2 = roughness * roughness * roughness * roughness;
    float h = max(dot(normal, middle), 0.0);
    float d = h * h * (a2 - 1.0) + 1.0;
    float k = (roughness + 1.0) * (roughness + 1.0) / 8.0;
    float visible = 1.0 / ((facing * (1.0 - k) + k) * (lit * (1.0 - k) + k) * 4.0);
    return min(a2 / (PI * d * d) * visible * fresnel * lit, 12.0);
}

// A lamp mirrored in the eye: 1 inside, falling to 0 at its edge.
float lamp(vec3 mirrored, vec3 direction, vec2 size, float edge) {
    vec3 right = normalize(cross(vec3(0.0, 1.0, 0.0), direction));
    vec2 offset = abs(vec2(dot(mirrored, right), dot(mirrored, cross(direction, right))));
    vec2 inside = 1.0 - smoothstep(size - edge, size, offset);
    return inside.x * inside.y * step(0.0, dot(mirrored, direction));
}

vec3 toneMap(vec3 c) {
    return pow(clamp((c * (2.51 * c + 0.03)) / (c * (2.43 * c + 0.59) + 0.14), 0.0, 1.0), vec3(1.0 / 2.2));
}

void main() {
    float roughness = vMaterial.x, scattering = vMaterial.y, shadow = max(vLight.w, 0.0);
    float occlusion = gl_FrontFacing ? vMaterial.z : vMaterial.z * 0.4;
    bool inMouth = vMaterial.w > 0.5 && vMaterial.w < 1.5, inEye = vMaterial.w > 1.5;
    vec3 painted = texture(albedo, vUv).rgb;
    vec3 surface = painted * painted * (0.74 + 0.26 * painted) * vColor;  // sRGB to linear, nearly
    vec3 view = normalize(eye - vPosition);
    vec3 normal = normalize(gl_FrontFacing ? vNormal : -vNormal);
    if (!inEye && !inMouth) normal = relief(normal, painted.g);
    float toward = dot(normal, view);
    if (toward < 0.0 && !inEye) normal = normalize(normal + view * (0.02 - toward));
    float facing = max(dot(normal, view), 0.05);

    vec3 softShadow = mix(vec3(shadow), vec3(sqrt(shadow), shadow, shadow), scattering * 0.4);
    vec3 light = vLight.rgb + lightColor[0] * diffuse(dot(normal, lightDirection[0]), scattering) * softShadow;
    if (!gl_FrontFacing) light *= 0.4;

    float broad = gloss(normal, view, lightDirection[0], roughness, facing);
    float narrow = gloss(normal, view, lightDirection[0], roughness * 0.55, facing);
    vec3 shine = lightColor[0] * shadow * (0.72 * broad + 0.28 * narrow);
    shine += lightColor[1] * 0.6 * occlusion * gloss(normal, view, lightDirection[1], roughness, facing);
    vec3 mirrored = reflect(-view, normal);
    if (!inMouth) {  // what stands behind the head lights nothing inside the mouth
        shine += lightColor[2] * occlusion * gloss(normal, view, lightDirection[2], roughness, facing);
        shine += lightColor[3] * occlusion * gloss(normal, view, lightDirection[3], roughness, facing);
        vec3 horizon = mix(vec3(0.05, 0.045, 0.04), vec3(0.30, 0.34, 0.42), clamp(mirrored.y * 0.5 + 0.5, 0.0, 1.0));
        float edge = (1.0 - facing) * (1.0 - facing);
        shine += occlusion * occlusion * edge * edge * horizon * (0.55 - roughness * 0.33);
    }
    if (inEye) {
        shine += vec3(0.85, 0.83, 0.81) * lamp(mirrored, vec3(-0.4145, 0.4560, 0.7876), vec2(0.15, 0.19), 0.04)
            * smoothstep(0.12, 0.4, occlusion);
        shine += vec3(0.175, 0.21, 0.26) * lamp(mirrored, vec3(0.6793, 0.1359, 0.7246), vec2(0.14), 0.09) * occlusion;
    }
    vec3 seen = toneMap((surface * light + shine * mix(1.0, occlusion, 0.7)) * exposure);
    vec2 point = gl_FragCoord.xy / resolution * 2.0 - 1.0;
    pixel = mix(backdrop(point), vec4(seen, 1.0), smoothstep(fade.x, fade.y, vPosition.y));
}
