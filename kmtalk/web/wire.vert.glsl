// A face's own mesh, for the wireframe. Put after diffuse.glsl.
in vec3 position;
in vec3 normal;
uniform mat4 viewProjection;
uniform vec3 lightDirection[4], lightColor[4];

out vec3 vPosition, vNormal;
out float vLit;

void main() {
    vPosition = position;
    vNormal = normal;
    vLit = diffuse(dot(normal, lightDirection[0]), 1.0).g + 0.35 * diffuse(dot(normal, lightDirection[1]), 1.0).g;
    gl_Position = viewProjection * vec4(position, 1.0);
}
