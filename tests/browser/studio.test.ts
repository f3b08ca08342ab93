import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import sharp from "sharp";
import { expect, it } from "vitest";
import { heicPhoto, picture } from "../functions/test-images.ts";
import { describeInBrowser, desktop, download, findings, phone, results, timeout } from "./studio-browser.ts";

describeInBrowser("the studio", (studio) => {
  it.each([
    ["1280", desktop],
    ["390", phone],
  ] as const)(
    "is ready when it opens, one click from results, at %s pixels",
    async (_, options) => {
      const { page, mistakes } = await studio().open(options);
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
    timeout,
  );

  it(
    "edits uploaded photos with an uploaded pair, text, guidance and seed, and offers downloads of everything",
    async () => {
      const { page, key, mistakes } = await studio().open(desktop);
      await page.getByLabel("Before", { exact: true }).setInputFiles(studio().file("before.png"));
      // The example's other half has no relation to it.
      await page.getByText("Add the other photo of the pair.").waitFor();
      await page.getByLabel("After", { exact: true }).setInputFiles(studio().file("after.png"));
      await page
        .getByLabel("Add photos")
        .setInputFiles([studio().file("wide.jpg"), studio().file("tall.png")]);
      await page.getByRole("button", { name: "Learn and edit 2 photos" }).click();
      await results(page).nth(1).waitFor();
      const visii = await download(page, () => page.getByRole("link", { name: ".visii" }).click());
      expect(visii.name).toBe("after.visii");
      // This pair only changes colors, so the page offers a lookup table.
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

      // The copied code makes the same edit.
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
      const edit = await studio().service.end(`/v1/edits/${JSON.parse(stdout).id}`, timeout / 1000, key);
      const again = await fetch(edit.results[0].url);
      expect(one.bytes.equals(Buffer.from(await again.arrayBuffer()))).toBe(true);
      const root = fileURLToPath(new URL("../..", import.meta.url));
      const program = (await copied("TypeScript")).replace('"visii-client"', `"${root}client/visii.ts"`);
      await writeFile(studio().file("again.mts"), program);
      const said = await promisify(execFile)(
        process.execPath,
        ["--import", "tsx", studio().file("again.mts")],
        {
          ...{ cwd: root, env: environment },
        },
      );
      expect(said.stdout).toMatch(/^\[\n {2}'http:/);
      await page.keyboard.press("Escape");

      await page.getByRole("button", { name: "Delete" }).click();
      await page.getByRole("button", { name: "Confirm deletion" }).click();
      await page.locator(".shelf").getByText("dusk").waitFor({ state: "hidden" });
      expect(mistakes).toEqual([]);
    },
    timeout,
  );

  it(
    "works by keyboard alone",
    async () => {
      const { page, mistakes } = await studio().open(desktop);
      // Listens from the start, because `waitForEvent` may reach the browser after the key that opens the
      // dialog.
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
        await chooser.setFiles(files.map((name) => studio().file(name)));
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
    timeout,
  );

  it(
    "accepts pasted and dropped images, and reports unsupported files",
    async () => {
      const { page, mistakes } = await studio().open(desktop);
      const photo = (await heicPhoto()).toString("base64");
      const give = (event: "paste" | "drop", name: string, type: string) =>
        page.evaluate(`(() => {
        const data = new DataTransfer();
        const bytes = Uint8Array.from(atob(${JSON.stringify(photo)}), (letter) => letter.charCodeAt(0));
        data.items.add(new File([bytes], ${JSON.stringify(name)}, { type: ${JSON.stringify(type)} }));
        const event = ${event === "paste" ? 'new ClipboardEvent("paste", { clipboardData: data, bubbles: true })' : 'new DragEvent("drop", { dataTransfer: data, bubbles: true })'};
        document.body.dispatchEvent(event);
      })()`);
      await give("paste", "first.heic", "image/heic");
      await give("drop", "second.heic", "image/heic");
      await give("paste", "third.heic", "image/heic");
      // The browser cannot show these images, so their names are shown instead.
      for (const name of ["first.heic", "second.heic", "third.heic"])
        await page.getByText(name).first().waitFor();
      await page.getByRole("button", { name: "Learn and edit 1 photo" }).waitFor();
      await give("drop", "notes.txt", "text/plain");
      await page.getByRole("alert").getByText("notes.txt cannot be read. Choose a JPEG").waitFor();
      expect(await findings(page)).toEqual([]);
      expect(mistakes.filter((text) => !text.includes("ERR_"))).toEqual([]);
    },
    timeout,
  );

  it(
    "shows why a job failed and what to do, and edits with text alone",
    async () => {
      const { page, mistakes } = await studio().open(phone);
      await page.getByLabel("Before", { exact: true }).setInputFiles(studio().file("wide.jpg"));
      await page.getByLabel("After", { exact: true }).setInputFiles(studio().file("tall.png"));
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

      await page
        .getByLabel("Add photos")
        .setInputFiles(["wide.jpg", "cut.png"].map((name) => studio().file(name)));
      await page.getByRole("button", { name: "Edit 2 photos" }).click();
      await alert.getByText("cut.png is a damaged or truncated PNG").waitFor();
      expect(mistakes).toEqual([]);
    },
    timeout,
  );

  it(
    "uploads photos when they are added, and deletes the uploads of those that are removed",
    async () => {
      const { page, key } = await studio().open(desktop);
      const [asked, uploaded]: [string[], string[]] = [[], []];
      page.on("request", (request) => asked.push(`${request.method()} ${new URL(request.url()).pathname}`));
      page.on("response", (response) => {
        const [, id] = /\/v1\/uploads\/([^/]*)\/complete$/.exec(response.url()) ?? [];
        if (id !== undefined) uploaded.push(id);
      });
      const untilUploaded = (count: number) =>
        expect.poll(() => uploaded, { timeout: 60_000 }).toHaveLength(count);
      await page.reload();
      // The example.
      await untilUploaded(5);
      await page.getByLabel("Add photos").setInputFiles(studio().file("wide.jpg"));
      await untilUploaded(6);
      await page.getByRole("button", { name: "Remove wide.jpg" }).click();
      const read = () => studio().service.call("GET", `/v1/uploads/${uploaded[5]}`, undefined, {}, key);
      await expect.poll(async () => (await read()).status, { timeout: 60_000 }).toBe(404);

      await page.getByLabel("Add photos").setInputFiles(studio().file("wide.jpg"));
      await untilUploaded(7);
      asked.length = 0;
      await page.getByRole("button", { name: "Learn and edit 1 photo" }).click();
      await results(page).first().waitFor();
      expect(asked.filter((one) => one.includes("/v1/uploads"))).toEqual([]);
    },
    timeout,
  );

  it(
    "shows many photos in a tray that scrolls, and none over another",
    async () => {
      const { page } = await studio().open(desktop);
      const names = Array.from({ length: 30 }, () => studio().file("wide.jpg"));
      await page.getByLabel("Add photos").setInputFiles(names);
      await page.getByRole("button", { name: "Remove all 30" }).waitFor();
      const boxes = await Promise.all(
        (await page.locator(".tray-photo").all()).map((photo) => photo.boundingBox()),
      );
      const places = boxes.map((box) => `${Math.round(box!.x)} ${Math.round(box!.y)}`);
      expect(new Set(places).size).toBe(30);
      const rows = [...new Set(boxes.map((box) => Math.round(box!.y)))];
      const heights = boxes.map((box) => box!.height);
      expect(rows[1]! - rows[0]!).toBeGreaterThan(Math.max(...heights));
    },
    timeout,
  );

  it(
    "shows learning that was in progress when the page is reopened, and stops it",
    async () => {
      const { page, key } = await studio().open(desktop);
      const [before, after] = await Promise.all(
        [await picture(), await picture("png", { red: 30 })].map((bytes) =>
          studio().service.upload(bytes, "image/png", key),
        ),
      );
      await studio().service.call(
        "POST",
        "/v1/instructions",
        { pairs: [{ before, after }], steps: 2000 },
        {},
        key,
      );
      await page.reload();
      await page.getByText(/^Step \d+ of 2000/).waitFor();
      await page.getByRole("button", { name: "Stop learning" }).click();
      await page.getByRole("button", { name: "Learn and edit 3 photos" }).waitFor();
    },
    timeout,
  );

  it(
    "asks for a key if the URL has none, and explains why a key is invalid",
    async () => {
      const { page, key, mistakes } = await studio().open(phone, { hasKey: false });
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
    timeout,
  );

  it(
    "is accessible in the dark color scheme, from 390 to 2560 pixels",
    async () => {
      const { page } = await studio().open({ ...desktop, colorScheme: "dark" });
      for (const width of [390, 768, 960, 1440, 2560]) {
        await page.setViewportSize({ width, height: 900 });
        expect(await findings(page)).toEqual([]);
      }
      await page.getByRole("button", { name: "Remove the before photo" }).click();
      await page.getByRole("button", { name: "Remove all 3" }).click();
      await page.getByText("Add a photo before and after the edit.").waitFor();
      expect(await findings(page)).toEqual([]);
      await page.getByRole("button", { name: "Show the example" }).click();
      await page.getByRole("button", { name: "Learn and edit 3 photos" }).waitFor();
    },
    timeout,
  );

  it("is smaller than 150 kB without its images", async () => {
    const bytes = await Promise.all(
      ["/", "/studio/studio.js", "/studio/studio.css", "/studio/icon.svg"].map(async (path) => {
        const response = await fetch(studio().service.service.url + path);
        expect(response.headers.get("content-security-policy")).toContain("default-src 'self'");
        return (await response.arrayBuffer()).byteLength;
      }),
    );
    expect(bytes.reduce((sum, size) => sum + size)).toBeLessThan(150_000);
  });
});
