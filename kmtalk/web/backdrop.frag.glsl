in vec2 point;
out vec4 pixel;

void main() {
    pixel = backdrop(point);
}
