/**
 * `npm run studio-pictures [-- example colors failure phone]`: creates the pictures of studio.md, all or
 * those named, with the bundled model and Chromium, and prints how long results take. Takes minutes.
 */
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { bundledModel } from "../engine/bundled-model.ts";
import { decodeImage } from "../engine/images/decode-image.ts";
import { encodeImage } from "../engine/images/write-image.ts";
import { startService } from "../local/service.ts";
import { createJsonLog } from "../shared/json-log.ts";

const demo = fileURLToPath(new URL("../demo/", import.meta.url));
const images = fileURLToPath(new URL("images/", import.meta.url));
const desktop: BrowserContextOptions = { viewport: { width: 1280, height: 860 } };
const phone: BrowserContextOptions = {
  viewport: { width: 390, height: 844 },
  deviceScaleFactor: 2,
  isMobile: true,
  hasTouch: true,
};
/** Timeout in milliseconds. */
const timeout = 3_600_000;

const log = createJsonLog((line) => process.stderr.write(`${line}\n`), Date.now, "error");
const service = await startService({ port: 0, workers: 1, model: bundledModel, log });
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox"],
});

async function open(options: BrowserContextOptions): Promise<Page> {
  const context = await browser.newContext({ ...options, reducedMotion: "reduce" });
  context.setDefaultTimeout(timeout);
  const page = await context.newPage();
  await page.goto(`${service.url}/#key=${service.key}`);
  await page.locator(".tray-photo").nth(2).waitFor();
  await page.locator(".credit").waitFor();
  return page;
}

/** Encodes WebP in the browser, because Playwright cannot. */
async function save(page: Page, name: string): Promise<void> {
  // Wait until all transitions have ended.
  await page.waitForTimeout(1000);
  const session = await page.context().newCDPSession(page);
  const { data } = await session.send("Page.captureScreenshot", { format: "webp", quality: 80 });
  await writeFile(`${images}studio-${name}.webp`, Buffer.from(data, "base64"));
  process.stdout.write(`docs/images/studio-${name}.webp\n`);
}

/** Starts the example. Returns a clock that prints the seconds since the click. */
async function learnAndEdit(page: Page): Promise<(what: string) => void> {
  await page.getByRole("button", { name: "Learn and edit 3 photos" }).click();
  const clicked = performance.now();
  return (what) =>
    process.stdout.write(`${what} after ${((performance.now() - clicked) / 1000).toFixed(1)} s\n`);
}

const results = (page: Page) => page.locator(".result .compare");

/** Pictures of the example, from the first click to the results. */
async function takeExample(): Promise<void> {
  const page = await open(desktop);
  await save(page, "start");
  const report = await learnAndEdit(page);
  await results(page).first().waitFor();
  report("the example's first draft");
  await results(page).nth(2).waitFor();
  report("all three drafts");
  await page.getByRole("heading", { name: "Learning", exact: true }).waitFor();
  await page.getByText(/^Step 1\d of/).waitFor();
  await save(page, "learning");
  await page.getByText(/^3 photos · \$/).waitFor();
  report("three photos with the learned instruction");
  await page.getByText(/^Learned in/).click();
  await save(page, "results");
  await page.emulateMedia({ colorScheme: "dark" });
  await save(page, "dark");
  await page.emulateMedia({ colorScheme: "light" });
  await page.getByRole("button", { name: "Enlarge flower.jpg" }).click();
  await save(page, "closely");
  await page.keyboard.press("Escape");
  await page.locator(".run").getByRole("button", { name: "Copy as code" }).click();
  await save(page, "code");
}

/** Picture of a pair that only changes colors, stopped after its draft. */
async function takeColors(): Promise<void> {
  const page = await open(desktop);
  const { image } = await decodeImage(`${demo}before.jpg`);
  const darker = { ...image, data: image.data.map((value) => (value + 1) * 0.6 - 1) };
  const after = { name: "darker.png", mimeType: "image/png", buffer: await encodeImage(darker, "png") };
  await page.getByLabel("Before", { exact: true }).setInputFiles(`${demo}before.jpg`);
  await page.getByLabel("After", { exact: true }).setInputFiles(after);
  await page.getByRole("button", { name: "Learn and edit 3 photos" }).click();
  await page.getByText("This edit only changes colors.").waitFor();
  await results(page).nth(2).waitFor();
  await page.getByText(/^Step \d+ of/).waitFor();
  await page.getByRole("button", { name: "Stop learning" }).click();
  await page.getByRole("button", { name: "Edit 3 photos" }).waitFor();
  await save(page, "colors");
}

/** Picture of a pair that cannot be learned. */
async function takeFailure(): Promise<void> {
  const page = await open(desktop);
  await page.getByLabel("Before", { exact: true }).setInputFiles(`${demo}before.jpg`);
  await page.getByLabel("After", { exact: true }).setInputFiles(`${demo}nuthatch.jpg`);
  await page.getByRole("button", { name: "Learn and edit 3 photos" }).click();
  await page.getByRole("alert").waitFor();
  await save(page, "failure");
}

/** Pictures of the example on a phone, until the photos are edited with the draft. */
async function takePhone(): Promise<void> {
  const page = await open(phone);
  await save(page, "phone");
  const report = await learnAndEdit(page);
  await results(page).first().waitFor();
  report("on a phone's width, the first draft");
  await results(page).nth(2).waitFor();
  await page.getByText(/^Step \d+ of/).waitFor();
  await page.getByRole("button", { name: "Stop learning" }).click();
  await page.getByRole("button", { name: "Edit 3 photos" }).waitFor();
  await page.evaluate("document.querySelector('.run').scrollIntoView()");
  await save(page, "phone-results");
}

const takes = { example: takeExample, colors: takeColors, failure: takeFailure, phone: takePhone } as const;
const asked = process.argv.slice(2);
try {
  for (const [name, take] of Object.entries(takes)) if (!asked.length || asked.includes(name)) await take();
} finally {
  await browser.close();
  await service.stop();
}
process.exit();
