// The face as the key light sees it, for its depth alone.
in vec3 position;
uniform mat4 lightProjection;

void main() {
    gl_Position = lightProjection * vec4(position, 1.0);
}
