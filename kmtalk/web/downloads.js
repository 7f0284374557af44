const list = element.querySelector(".downloads");

function span(name, text) {
  const node = document.createElement("span");
  node.className = name;
  node.textContent = text;
  return node;
}

function entry({ kind, use, size, file }) {
  const link = document.createElement("a");
  link.href = file.url;
  link.download = file.orig_name;
  link.target = "_blank";
  link.rel = "noopener";
  link.append(span("kind", kind), span("use", use), span("size", size));
  const item = document.createElement("li");
  item.append(link);
  return item;
}

function show() {
  list.replaceChildren(...(props.value?.files || []).map(entry));
}

watch("value", show);
show();
