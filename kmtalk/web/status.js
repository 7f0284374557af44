const box = element.querySelector(".status");

function show() {
  const stage = props.value;
  box.hidden = !stage;
  if (!stage) return;
  const percent = Math.round(stage.fraction * 100);
  box.querySelector(".done").style.width = `${percent}%`;
  box.querySelector(".track").setAttribute("aria-valuenow", percent);
  const line = box.querySelector(".stage");
  if (line.textContent !== stage.name) line.textContent = stage.name;
}

watch("value", show);
show();
