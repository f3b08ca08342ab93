// The studio: the whole service by hand. It uses the public API and nothing else.
import { call, currentKey, follow, lines, upload, useKey } from "./api.js";
import { compare, drawCurve, makeDroppable } from "./pictures.js";

const $ = (id) => document.getElementById(id);
let learning;

function say(text, wrong = false) {
  $("message").textContent = text;
  $("message").classList.toggle("wrong", wrong);
}

/** Runs what a button starts; its failure is said, and the button is off meanwhile. */
async function attempt(button, work) {
  button.disabled = true;
  try {
    await work();
  } catch (error) {
    say(error.message, true);
  } finally {
    button.disabled = false;
  }
}

const count = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

async function refresh(chosen) {
  const { data } = await call("GET", "/v1/instructions?limit=100");
  const learned = data.filter(({ status }) => status === "succeeded");
  const wanted = chosen ?? learned[0]?.id;
  $("instruction").replaceChildren(
    ...learned.map(({ id, name, caption }) => new Option(name ?? caption ?? id, id, false, id === wanted)),
    new Option("words alone", "", false, wanted === ""),
  );
  await showFile();
  const { balance, totals } = await call("GET", "/v1/usage");
  $("usage").textContent =
    `${(balance / 1e6).toFixed(2)} $ left, ${count(totals.images, "image")}, ${count(totals.steps, "step")}`;
}

async function showFile() {
  const id = $("instruction").value;
  $("file").hidden = !id;
  if (!id) return;
  // The link itself says under which name to save.
  $("file").href = (await call("GET", `/v1/instructions/${id}`)).file_url;
}

async function learn() {
  say("Sending the pair …");
  const [before, after] = await Promise.all([upload($("before").files[0]), upload($("after").files[0])]);
  const name = $("name").value.trim();
  const steps = $("steps").valueAsNumber;
  const job = await call("POST", "/v1/instructions", {
    pairs: [{ before, after }],
    ...(name ? { name } : {}),
    ...(Number.isInteger(steps) ? { steps } : {}),
  });
  learning = job.id;
  $("learning").hidden = false;
  $("cancel").hidden = false;
  $("preview").hidden = true;
  showWarnings([]);
  const losses = [];
  say("Learning …");
  try {
    const end = await follow(`/v1/instructions/${job.id}/events`, (event) =>
      onLearning(job.id, event, losses),
    );
    if (end.status !== "succeeded") throw new Error(end.error?.message ?? `Learning was ${end.status}.`);
    const { warnings = [] } = await call("GET", `/v1/instructions/${job.id}`);
    showWarnings(warnings);
    say(`Learned${warnings.length ? ", but read the warnings" : ""}. Choose photos to apply it to.`);
    await refresh(job.id);
  } finally {
    $("cancel").hidden = true;
  }
}

/** What the service finds odd about the pair or the learning: the result may not be what was hoped for. */
function showWarnings(warnings) {
  $("warnings").hidden = !warnings.length;
  $("warnings").replaceChildren(
    ...warnings.map((text) => Object.assign(document.createElement("li"), { textContent: text })),
  );
}

function onLearning(id, event, losses) {
  if (event.type === "progress") {
    const { stage, step, steps, loss, eta_seconds } = event.progress;
    $("progress").value = steps ? step / steps : 0;
    const left = eta_seconds === undefined ? "" : `, about ${Math.ceil(eta_seconds)} s left`;
    $("stage").textContent = `${stage}: ${step} of ${steps}${left}`;
    if (loss !== undefined) losses.push({ step, steps, loss });
    drawCurve($("curve"), losses);
  }
  if (event.type === "preview")
    void call("GET", `/v1/instructions/${id}`).then(({ preview_url }) => {
      $("preview").src = preview_url;
      $("preview").hidden = false;
    });
}

async function sendPhotos() {
  say("Sending the photos …");
  const files = [...$("photos").files];
  if (!files.length) throw new Error("Choose some photos first.");
  return Promise.all(files.map(async (file) => ({ file, id: await upload(file) })));
}

const words = () => ($("text").value.trim() ? { text: $("text").value.trim() } : {});

async function apply() {
  const instruction = $("instruction").value;
  if (!instruction && !words().text) throw new Error("Choose an instruction, type some words, or both.");
  const photos = await sendPhotos();
  const job = await call("POST", "/v1/edits", {
    ...(instruction ? { instruction } : {}),
    images: photos.map(({ id }) => id),
    ...words(),
  });
  say("Editing …");
  const shown = new Set();
  const show = async () => {
    const { results } = await call("GET", `/v1/edits/${job.id}`);
    for (const { input, url } of results) {
      const photo = photos.find(({ id }) => id === input);
      if (!photo || shown.has(input)) continue;
      shown.add(input);
      $("results").prepend(compare(URL.createObjectURL(photo.file), url, photo.file.name));
    }
  };
  const end = await follow(`/v1/edits/${job.id}/events`, (event) => event.type === "result" && void show());
  await show();
  if (end.status !== "succeeded") throw new Error(end.error?.message ?? `The edit was ${end.status}.`);
  say(`Done: ${shown.size} of ${photos.length}.`);
  await refresh(instruction);
}

async function bulk() {
  const instruction = $("instruction").value;
  if (!instruction) throw new Error("A bulk edit needs an instruction; learn one first.");
  const photos = await sendPhotos();
  const options = words();
  const { id } = await call("POST", "/v1/batches", {
    instruction,
    images: photos.map((photo) => photo.id),
    ...(options.text ? { options } : {}),
  });
  for (;;) {
    const { status, counts, output_url, error } = await call("GET", `/v1/batches/${id}`);
    if (status === "failed") throw new Error(error?.message ?? "The bulk edit failed.");
    say(`In bulk: ${counts.succeeded} of ${counts.total} done, ${counts.failed} failed.`);
    if (!["queued", "running"].includes(status)) {
      for (const { line, edit } of output_url ? await lines(new URL(output_url).pathname) : [])
        for (const { url } of (await call("GET", `/v1/edits/${edit}`)).results)
          $("results").prepend(compare(URL.createObjectURL(photos[line].file), url, photos[line].file.name));
      return refresh(instruction);
    }
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

for (const label of document.querySelectorAll(".drop")) makeDroppable(label);
$("photos").addEventListener("change", () => {
  // One file's name stands beside the button already; of several, the browser only says how many.
  const names = [...$("photos").files].map(({ name }) => name);
  $("chosen").textContent = names.length > 1 ? names.join(", ") : "";
});
$("instruction").addEventListener("change", () => showFile().catch((error) => say(error.message, true)));
const onSubmit = (form, work) =>
  $(form).addEventListener("submit", (event) => {
    event.preventDefault();
    void attempt(event.submitter ?? $(form).querySelector("button"), work);
  });
onSubmit("door", async () => {
  useKey($("key").value);
  await refresh();
  say("Open.");
});
onSubmit("learn", learn);
onSubmit("apply", apply);
$("bulk").addEventListener("click", () => void attempt($("bulk"), bulk));
$("cancel").addEventListener(
  "click",
  () => void attempt($("cancel"), () => call("POST", `/v1/instructions/${learning}/cancel`)),
);
if (currentKey()) {
  $("key").value = currentKey();
  refresh().catch((error) => say(error.message, true));
}
