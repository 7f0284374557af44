in vec2 corner;
out vec2 point;

void main() {
    point = corner;
    gl_Position = vec4(corner, 0.9999, 1.0);
}
