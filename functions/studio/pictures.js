// What is drawn: the loss curve, and a before/after slider.

/** Losses by step, the scale growing with them; a loss may fall below zero. */
export function drawCurve(canvas, losses) {
  const context = canvas.getContext("2d");
  const { width, height } = canvas;
  const ink = getComputedStyle(canvas).color;
  context.clearRect(0, 0, width, height);
  if (!losses.length) return;
  const steps = losses.at(-1).steps || losses.length;
  const values = losses.map(({ loss }) => loss);
  const [low, high] = [Math.min(0, ...values), Math.max(...values)];
  const yOf = (loss) => height - 4 - ((loss - low) / (high - low || 1)) * (height - 8);
  context.strokeStyle = "#8886";
  context.strokeRect(0.5, 0.5, width - 1, height - 1);
  context.strokeStyle = ink;
  context.lineWidth = 2;
  context.beginPath();
  for (const { step, loss } of losses) context.lineTo((step / steps) * width, yOf(loss));
  context.stroke();
  context.fillStyle = ink;
  context.font = "14px system-ui, sans-serif";
  context.fillText(high.toPrecision(3), 6, 18);
  canvas.setAttribute(
    "aria-label",
    `Loss by step: ${losses.at(-1).loss.toPrecision(3)} at step ${losses.at(-1).step}`,
  );
}

/** The original under the result, and a slider that moves the border between them. */
export function compare(original, result, name) {
  const figure = document.createElement("figure");
  figure.className = "compare";
  const under = Object.assign(new Image(), { src: original, alt: `${name}, before` });
  const over = Object.assign(new Image(), { src: result, alt: `${name}, after`, className: "over" });
  const frame = document.createElement("div");
  frame.style.position = "relative";
  frame.append(under, over);
  const slider = Object.assign(document.createElement("input"), {
    type: "range",
    min: 0,
    max: 100,
    value: 50,
  });
  slider.setAttribute("aria-label", `${name}: how much of the original is shown`);
  slider.addEventListener("input", () => over.style.setProperty("--cut", `${slider.value}%`));
  const link = Object.assign(document.createElement("a"), {
    href: result,
    textContent: "Open",
    target: "_blank",
    rel: "noopener",
  });
  link.setAttribute("aria-label", `Open ${name}, edited, in a new tab`);
  figure.append(frame, slider, link);
  return figure;
}

/** Lets files be dropped on a label with a file input. */
export function makeDroppable(label) {
  const input = label.querySelector("input");
  for (const name of ["dragover", "dragleave", "drop"])
    label.addEventListener(name, (event) => {
      event.preventDefault();
      label.classList.toggle("over", name === "dragover");
      if (name !== "drop") return;
      input.files = event.dataTransfer.files;
      input.dispatchEvent(new Event("change"));
    });
  const image = label.querySelector("img");
  input.addEventListener("change", () => {
    if (!image || !input.files[0]) return;
    image.src = URL.createObjectURL(input.files[0]);
    image.alt = input.files[0].name;
    image.hidden = false;
  });
}
