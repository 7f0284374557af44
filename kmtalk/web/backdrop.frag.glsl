in vec2 point;
out vec4 pixel;

void main() {
    pixel = vec4(backdrop(point), 1.0);
}
