import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import sharp from "sharp";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { bundledModel } from "../../engine/bundled-model.ts";
import { picture } from "../functions/pictures.ts";
import { RunningService } from "../local/running-service.ts";

const executablePath = ["/usr/bin/chromium", "/usr/bin/google-chrome"].find(existsSync);
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Milliseconds that end a test that hangs, also on a machine that has much else to do. */
const patience = 900_000;

const desktop: BrowserContextOptions = { viewport: { width: 1280, height: 800 } };
const phone: BrowserContextOptions = {
  viewport: { width: 390, height: 800 },
  hasTouch: true,
  isMobile: true,
};

interface Opened {
  readonly page: Page;
  /** Of an account of its own, so that no test sees what another one left. */
  readonly key: string;
  /** What the page threw or wrote to the console as an error. */
  readonly mistakes: readonly string[];
}

describe.skipIf(executablePath === undefined)("the studio, in a real browser (needs chromium)", () => {
  let running: RunningService;
  let browser: Browser;
  let folder: string;
  const file = (name: string) => join(folder, name);

  beforeAll(async () => {
    running = await RunningService.start();
    folder = await mkdtemp(join(tmpdir(), "visii-studio-"));
    await writeFile(file("before.png"), await picture());
    await writeFile(file("after.png"), await picture("png", { red: 30 }));
    await writeFile(file("wide.jpg"), await picture("jpeg", { width: 48, height: 32 }));
    await writeFile(file("tall.png"), await picture("png", { width: 32, height: 48 }));
    browser = await chromium.launch({ executablePath: executablePath!, args: ["--no-sandbox"] });
  }, patience);
  afterAll(async () => {
    await browser?.close();
    await running?.stop();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  const opened: { service: RunningService; key: string }[] = [];
  // A test that failed leaves neither a page nor a job that the next one would wait for.
  afterEach(async () => {
    await Promise.all(browser.contexts().map((context) => context.close()));
    for (const { service, key } of opened.splice(0)) {
      const { body } = await service.call("GET", "/v1/instructions", undefined, {}, key);
      for (const { id, status } of body.data)
        if (status === "queued" || status === "running")
          await service.call("POST", `/v1/instructions/${id}/cancel`, undefined, {}, key);
    }
  }, patience);

  /** A tab of its own, at the address that `npm run dev` prints, for an account of its own. */
  async function open(
    options: BrowserContextOptions,
    {
      service = running,
      hasKey = true,
      credits,
    }: { service?: RunningService; hasKey?: boolean; credits?: number } = {},
  ): Promise<Opened> {
    const key = await service.openAccount(credits);
    opened.push({ service, key });
    // What moves without end is drawn by the processor here.
    const context = await browser.newContext({ ...options, reducedMotion: "reduce" });
    await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: service.service.url });
    context.setDefaultTimeout(patience / 2);
    const page = await context.newPage();
    const mistakes: string[] = [];
    page.on("pageerror", ({ message }) => mistakes.push(message));
    page.on("console", (message) => message.type() === "error" && mistakes.push(message.text()));
    await page.goto(service.service.url + (hasKey ? `#key=${key}` : ""));
    await page
      .getByRole("button", { name: /photos?$/ })
      .first()
      .waitFor();
    return { page, key, mistakes };
  }

  async function download(page: Page, click: () => Promise<void>) {
    const [saved] = await Promise.all([page.waitForEvent("download"), click()]);
    return { name: saved.suggestedFilename(), bytes: await readFile(await saved.path()) };
  }

  /** What axe finds, and how far the page is wider than the window. */
  async function findings(page: Page): Promise<string[]> {
    await page.evaluate(axe);
    const { violations } = (await page.evaluate("axe.run()")) as {
      violations: { id: string; nodes: { html: string; failureSummary: string }[] }[];
    };
    const overflow = Number(await page.evaluate("document.documentElement.scrollWidth - innerWidth"));
    return [
      ...violations.flatMap(({ id, nodes }) =>
        nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary}`),
      ),
      ...(overflow > 0 ? [`the page is ${overflow} pixels wider than the window`] : []),
    ];
  }

  const results = (page: Page) => page.locator(".result .compare");

  it.each([
    ["1280", desktop],
    ["390", phone],
  ] as const)(
    "opens ready, and is one click from results at %s pixels",
    async (_, options) => {
      const { page, mistakes } = await open(options);
      expect(new URL(page.url()).hash).toBe("");
      await page.getByText("credit").waitFor();
      expect(await findings(page)).toEqual([]);

      await page.getByRole("button", { name: "Learn and edit 3 photos" }).click();
      await page.getByRole("heading", { name: "Next: 3 photos" }).waitFor();
      await results(page).nth(2).waitFor();
      await page.getByText(/^Learned in .*, 20 steps, \$/).click();
      await page.getByRole("img", { name: /^Loss by step: [\d.e-]+ at step (19|20)$/ }).waitFor();
      expect(await findings(page)).toEqual([]);
      expect(await page.getByText("This edit only changes colors.").count()).toBe(0);

      const slider = page.getByLabel("flower.jpg: share of the original shown");
      const comparison = results(page).first();
      const { width, height } = (await comparison.boundingBox())!;
      const place = { position: { x: width / 4, y: height / 2 } };
      // Both wait until the page has stopped moving.
      if (options === phone) await comparison.tap(place);
      else await comparison.click(place);
      expect(await slider.inputValue()).toBe("25");
      await page.keyboard.press("ArrowRight");
      expect(await slider.inputValue()).toBe("26");

      await page.getByRole("button", { name: "Enlarge flower.jpg" }).click();
      const dialog = page.getByRole("dialog", { name: "Result" });
      await dialog.getByRole("button", { name: "1:1" }).click();
      const ratio = Number(await page.evaluate("devicePixelRatio"));
      expect((await dialog.locator(".compare").boundingBox())?.width).toBeCloseTo(384 / ratio, 0);
      await dialog.getByRole("button", { name: "Next" }).click();
      await dialog.getByText("coffee.jpg").waitFor();
      expect(await findings(page)).toEqual([]);
      await page.keyboard.press("Escape");
      await dialog.waitFor({ state: "hidden" });
      expect(mistakes).toEqual([]);
    },
    patience,
  );

  it(
    "edits one's own photos by one's own pair, with words, text guidance and seed, and gives all of it out again",
    async () => {
      const { page, key, mistakes } = await open(desktop);
      await page.getByLabel("Before", { exact: true }).setInputFiles(file("before.png"));
      // The example's other half says nothing about it.
      await page.getByText("Add the other photo of the pair.").waitFor();
      await page.getByLabel("After", { exact: true }).setInputFiles(file("after.png"));
      await page.getByLabel("Add photos").setInputFiles([file("wide.jpg"), file("tall.png")]);
      await page.getByRole("button", { name: "Learn and edit 2 photos" }).click();
      await results(page).nth(1).waitFor();
      const visii = await download(page, () => page.getByRole("link", { name: ".visii" }).click());
      expect(visii.name).toBe("after.visii");
      // This pair is a change of colors, which a table repeats better: the page says so, and has it.
      await page.getByText("This edit only changes colors.").waitFor();
      const cube = await download(page, () => page.getByRole("link", { name: "Save the .cube" }).click());
      expect(cube.name).toBe("after.cube");
      expect(cube.bytes.toString()).toContain("LUT_3D_SIZE 33");

      await page.getByLabel("Name").fill("dusk");
      await page.keyboard.press("Enter");
      await page.locator(".shelf").getByText("dusk").waitFor();
      await page.getByLabel("Additional text").fill("and it's grainy");
      await page.getByLabel(/^Text guidance/).fill("1.5");
      await page.getByLabel(/^Seed/).fill("7");
      await page.getByRole("button", { name: "Edit 2 photos" }).click();
      await results(page).nth(3).waitFor();
      const run = page.locator(".run").first();
      await run.getByText("2 photos · “and it's grainy” · text guidance 1.5 · seed 7 · $").waitFor();

      const zip = await download(page, () => run.getByRole("button", { name: "Download all" }).click());
      expect(zip.name).toBe("dusk.zip");
      for (const name of ["wide-dusk.png", "tall-dusk.png"]) expect(zip.bytes.includes(name)).toBe(true);
      const one = await download(page, () =>
        run.getByRole("button", { name: "Download edited wide.jpg" }).click(),
      );
      expect(one.name).toBe("wide-dusk.png");
      expect(await sharp(one.bytes).metadata()).toMatchObject({ width: 48, height: 32, format: "png" });

      // What was copied makes the same edit.
      await run.getByRole("button", { name: "Copy as code" }).click();
      expect(await findings(page)).toEqual([]);
      const copied = async (language: string) => {
        await page.getByRole("button", { name: `Copy as ${language}` }).click();
        await page.getByText(`Copied as ${language}.`).waitFor();
        return String(await page.evaluate("navigator.clipboard.readText()"));
      };
      const environment = { ...process.env, VISII_API_KEY: key };
      const curl = await copied("curl");
      const { stdout } = await promisify(execFile)("bash", ["-c", curl], { env: environment });
      const edit = await running.end(`/v1/edits/${JSON.parse(stdout).id}`, patience / 1000, key);
      const again = await fetch(edit.results[0].url);
      expect(one.bytes.equals(Buffer.from(await again.arrayBuffer()))).toBe(true);
      const root = fileURLToPath(new URL("../..", import.meta.url));
      const program = (await copied("TypeScript")).replace('"visii-client"', `"${root}client/visii.ts"`);
      await writeFile(file("again.mts"), program);
      const said = await promisify(execFile)(process.execPath, ["--import", "tsx", file("again.mts")], {
        ...{ cwd: root, env: environment },
      });
      expect(said.stdout).toMatch(/^\[\n {2}'http:/);
      await page.keyboard.press("Escape");

      await page.getByRole("button", { name: "Delete" }).click();
      await page.getByRole("button", { name: "Confirm deletion" }).click();
      await page.locator(".shelf").getByText("dusk").waitFor({ state: "hidden" });
      expect(mistakes).toEqual([]);
    },
    patience,
  );

  it(
    "learns from several pairs, and imports the file that it saved, by choosing and by dropping",
    async () => {
      const { page, key, mistakes } = await open(desktop);
      for (const [label, name] of [
        ["Before", "before.png"],
        ["After", "after.png"],
      ] as const)
        await page.getByLabel(label, { exact: true }).setInputFiles(file(name));
      await page.getByRole("button", { name: "Add a pair of the same edit" }).click();
      await page.getByLabel("Before 2", { exact: true }).setInputFiles(file("before.png"));
      await page.getByText("Add the other photo of the pair.").waitFor();
      await page.getByLabel("After 2", { exact: true }).setInputFiles(file("after.png"));
      expect(await findings(page)).toEqual([]);
      await page.getByRole("button", { name: "Remove all 3" }).click();
      await page.getByRole("button", { name: "Learn this edit" }).click();
      await page.getByRole("link", { name: ".visii" }).waitFor();
      await page.getByText(/^Learned in/).click();
      await page.getByRole("button", { name: "Copy as code" }).click();
      await page.getByRole("button", { name: "Copy as curl" }).click();
      await page.getByText("Copied as curl.").waitFor();
      const curl = String(await page.evaluate("navigator.clipboard.readText()"));
      const { stdout } = await promisify(execFile)("bash", ["-c", curl], {
        env: { ...process.env, VISII_API_KEY: key },
      });
      const { id } = JSON.parse(stdout);
      const again = await running.end(`/v1/instructions/${id}`, patience / 1000, key);
      expect(again).toMatchObject({ status: "succeeded", name: "after" });
      expect(curl.match(/"before"/g)).toHaveLength(2);
      await page.keyboard.press("Escape");
      const { bytes } = await download(page, () => page.getByRole("link", { name: ".visii" }).click());
      await writeFile(file("mine.visii"), bytes);

      await page.getByRole("button", { name: "New edit" }).click();
      await page.getByText("File", { exact: true }).click();
      expect(await findings(page)).toEqual([]);
      await page.getByLabel("Choose a .visii file").setInputFiles(file("mine.visii"));
      await page.locator(".shelf").getByText("mine").waitFor();
      expect(await page.getByLabel("Name").inputValue()).toBe("mine");

      await writeFile(file("broken.visii"), "no safetensors");
      await page.getByRole("button", { name: "New edit" }).click();
      await page.getByText("File", { exact: true }).click();
      await page.getByLabel("Choose a .visii file").setInputFiles(file("broken.visii"));
      await page.getByRole("alert").getByText("The file was not imported").waitFor();
      expect(mistakes.filter((text) => !text.includes("422"))).toEqual([]);
    },
    patience,
  );

  it(
    "edits many photos in edits of 16, and saves all of them",
    async () => {
      const { page, mistakes } = await open(desktop);
      const bytes = await picture("jpeg");
      await page.getByText("Words", { exact: true }).click();
      await page.getByLabel("Describe the edit").fill("make it sepia");
      await page
        .getByLabel("Add photos")
        .setInputFiles(
          Array.from({ length: 40 }, () => ({ name: "same.jpg", mimeType: "image/jpeg", buffer: bytes })),
        );
      await page.getByRole("button", { name: "Edit 40 photos" }).click();
      await page.getByText(/^40 photos · \$/).waitFor();
      expect(await results(page).count()).toBe(40);
      const zip = await download(page, () => page.getByRole("button", { name: "Download all" }).click());
      for (const name of ["same-make-it-sepia.jpg", "same-make-it-sepia-40.jpg"])
        expect(zip.bytes.includes(name)).toBe(true);
      expect(await findings(page)).toEqual([]);
      expect(mistakes).toEqual([]);
    },
    patience,
  );

  it(
    "says that the credit does not suffice, and what is reserved",
    async () => {
      const { page } = await open(desktop, { credits: 1000 });
      await page.getByText(/^This reserves about \$0.03\d*; the account has \$0.0010/).waitFor();
      await page.getByRole("button", { name: "Learn and edit 3 photos" }).click();
      await page.getByRole("alert").getByText("Learning failed").waitFor();
      await page
        .getByRole("alert")
        .getByText(/credit/)
        .waitFor();
    },
    patience,
  );

  it(
    "edits with a draft of the pair encoder before learning, and keeps it when learning is stopped",
    async () => {
      const service = await RunningService.start({ model: bundledModel });
      try {
        const { page, mistakes } = await open(desktop, { service });
        await page.getByRole("button", { name: "Remove all 3" }).click();
        await page.getByLabel("Add photos").setInputFiles(file("wide.jpg"));
        await page.getByRole("button", { name: "Learn and edit 1 photo" }).click();
        await page.getByText("draft", { exact: true }).waitFor();
        const slider = page.getByLabel("wide.jpg: share of the original shown");
        await slider.waitFor();
        expect(await page.locator(".shelf").count()).toBe(0);
        await page.getByText(/^Step \d+ of/).waitFor();
        await page.getByRole("button", { name: "Stop learning" }).click();
        await page.locator(".shelf").getByText("Painting (draft)").waitFor();
        expect(await page.getByLabel("Name").inputValue()).toBe("Painting (draft)");
        await page.getByRole("button", { name: "Edit 1 photo" }).waitFor();
        await page.getByText(/^1 photo · \$/).waitFor();
        expect(await page.getByText("replaced when learning ends").count()).toBe(0);
        expect(mistakes).toEqual([]);
      } finally {
        await service.stop();
      }
    },
    patience,
  );

  it(
    "is gone through by keyboard alone",
    async () => {
      const { page, mistakes } = await open(desktop);
      // A listener from the start: the one of `waitForEvent` may reach the browser after the key that opens the dialog.
      page.on("filechooser", () => {});
      const focused = () =>
        page.evaluate(
          "document.activeElement.ariaLabel ?? document.activeElement.labels?.[0]?.textContent ?? document.activeElement.textContent",
        );
      const tabTo = async (name: string) => {
        for (let presses = 0; presses < 60; presses++) {
          await page.keyboard.press("Tab");
          if (
            String(await focused())
              .trim()
              .startsWith(name)
          )
            return;
        }
        throw new Error(`Tab never comes to ${name}`);
      };
      const choose = async (name: string, ...files: string[]) => {
        await tabTo(name);
        const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.keyboard.press("Space")]);
        await chooser.setFiles(files.map(file));
      };
      await choose("Before", "before.png");
      await choose("After", "after.png");
      await choose("Add photos", "tall.png");
      await tabTo("Learn and edit 1 photo");
      await page.keyboard.press("Enter");
      await results(page).first().waitFor();
      await tabTo("tall.png: share of the original");
      for (let press = 0; press < 10; press++) await page.keyboard.press("ArrowLeft");
      expect(await page.getByLabel("tall.png: share of the original").inputValue()).toBe("40");
      await tabTo("Enlarge tall.png");
      await page.keyboard.press("Enter");
      await page.getByRole("dialog", { name: "Result" }).waitFor();
      await tabTo("Close");
      await page.keyboard.press("Enter");
      expect(await focused()).toBe("Enlarge tall.png");
      expect(mistakes).toEqual([]);
    },
    patience,
  );

  it(
    "accepts pasted and dropped images, and reports unsupported files",
    async () => {
      const { page, mistakes } = await open(desktop);
      const give = (event: "paste" | "drop", name: string, type: string) =>
        page.evaluate(`(() => {
        const data = new DataTransfer();
        data.items.add(new File(["x"], ${JSON.stringify(name)}, { type: ${JSON.stringify(type)} }));
        const event = ${event === "paste" ? 'new ClipboardEvent("paste", { clipboardData: data, bubbles: true })' : 'new DragEvent("drop", { dataTransfer: data, bubbles: true })'};
        document.body.dispatchEvent(event);
      })()`);
      await give("paste", "first.png", "image/png");
      await give("drop", "second.png", "image/png");
      await give("paste", "third.png", "image/png");
      // None of them is a picture that the browser can show: their names stand in for them.
      for (const name of ["first.png", "second.png", "third.png"])
        await page.getByText(name).first().waitFor();
      await page.getByRole("button", { name: "Learn and edit 1 photo" }).waitFor();
      await give("drop", "notes.txt", "text/plain");
      await page.getByRole("alert").getByText("notes.txt cannot be read. Choose a JPEG").waitFor();
      expect(await findings(page)).toEqual([]);
      expect(mistakes.filter((text) => !text.includes("ERR_"))).toEqual([]);
    },
    patience,
  );

  it(
    "says why a job failed and what to do, and edits by words alone",
    async () => {
      const { page, mistakes } = await open(phone);
      await page.getByLabel("Before", { exact: true }).setInputFiles(file("wide.jpg"));
      await page.getByLabel("After", { exact: true }).setInputFiles(file("tall.png"));
      await page.getByRole("button", { name: "Learn and edit 3 photos" }).click();
      const alert = page.getByRole("alert");
      await alert.getByText("crop both to the same frame").waitFor();
      await alert.getByRole("button", { name: "Try again" }).waitFor();
      expect(await findings(page)).toEqual([]);

      await page.getByText("Words", { exact: true }).click();
      await page.getByText("Describe the edit in words.").waitFor();
      await page.getByLabel("Describe the edit").fill("make it sepia");
      await page.getByRole("button", { name: "Edit 3 photos" }).click();
      await results(page).nth(2).waitFor();
      await page.getByRole("heading", { name: "“make it sepia”" }).waitFor();
      expect(mistakes).toEqual([]);
    },
    patience,
  );

  it(
    "follows a learning that was under way when it was opened again, and stops it",
    async () => {
      const { page, key } = await open(desktop);
      const [before, after] = await Promise.all(
        [await picture(), await picture("png", { red: 30 })].map((bytes) =>
          running.upload(bytes, "image/png", key),
        ),
      );
      await running.call("POST", "/v1/instructions", { pairs: [{ before, after }], steps: 2000 }, {}, key);
      await page.reload();
      await page.getByText(/^Step \d+ of 2000/).waitFor();
      await page.getByRole("button", { name: "Stop learning" }).click();
      await page.getByRole("button", { name: "Learn and edit 3 photos" }).waitFor();
    },
    patience,
  );

  it(
    "asks for a key where the address has none, and says what is wrong with one",
    async () => {
      const { page, key, mistakes } = await open(phone, { hasKey: false });
      await page.getByText("Enter an API key first.").waitFor();
      expect(await findings(page)).toEqual([]);
      await page.getByLabel("API key").fill("visii_test_wrong");
      await page.getByRole("button", { name: "Open" }).click();
      await page.getByRole("alert").getByText("The API key is missing or invalid").waitFor();
      // The browser itself writes refused requests to its console.
      expect(mistakes.filter((text) => !text.includes("401"))).toEqual([]);
      await page.getByLabel("API key").fill(key);
      await page.getByRole("button", { name: "Open" }).click();
      await page.getByText("credit").waitFor();
    },
    patience,
  );

  it(
    "can be read in the dark, and from 390 to 2560 pixels",
    async () => {
      const { page } = await open({ ...desktop, colorScheme: "dark" });
      for (const width of [390, 768, 960, 1440, 2560]) {
        await page.setViewportSize({ width, height: 900 });
        expect(await findings(page)).toEqual([]);
      }
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        await page.goto(`${running.service.url}/docs`);
        await page.evaluate(axe);
        expect(
          await page.evaluate(
            'axe.run({ runOnly: ["color-contrast"] }).then(({ violations }) => violations)',
          ),
        ).toEqual([]);
      }
    },
    patience,
  );

  it("weighs less than 150 kB, its pictures aside", async () => {
    const bytes = await Promise.all(
      ["/", "/studio/studio.js", "/studio/studio.css", "/studio/icon.svg"].map(async (path) => {
        const response = await fetch(running.service.url + path);
        expect(response.headers.get("content-security-policy")).toContain("default-src 'self'");
        return (await response.arrayBuffer()).byteLength;
      }),
    );
    expect(bytes.reduce((sum, size) => sum + size)).toBeLessThan(150_000);
  });
});
