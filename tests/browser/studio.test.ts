import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { picture } from "../functions/pictures.ts";
import { RunningService } from "../local/running-service.ts";

const executablePath = ["/usr/bin/chromium", "/usr/bin/google-chrome"].find(existsSync);

/** In the page: texts with a contrast below 4.5 (WCAG 2.2, 1.4.3) to what lies behind them, with that contrast. */
const faint = `(() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgb = (color, under) => {
    canvas.fillStyle = under;
    canvas.fillRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return "rgb(" + [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).join(" ") + ")";
  };
  const page = matchMedia("(prefers-color-scheme: dark)").matches ? "rgb(18 18 18)" : "rgb(255 255 255)";
  const behind = (element) => element ? rgb(getComputedStyle(element).backgroundColor, behind(element.parentElement)) : page;
  const light = (color) => color.match(/\\d+/g).map((part) => part / 255).map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4).reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0.05);
  return [...document.querySelectorAll("body *")]
    .filter((element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
    .map((element) => {
      const under = behind(element);
      const [low, high] = [light(under), light(rgb(getComputedStyle(element).color, under))].sort((a, b) => a - b);
      return [element.tagName + " " + element.textContent.trim().slice(0, 30), high / low];
    })
    .filter(([, contrast]) => contrast < 4.5);
})()`;

describe.skipIf(executablePath === undefined)("the studio, in a real browser (needs chromium)", () => {
  let running: RunningService;
  let browser: Browser;
  let page: Page;
  let folder: string;
  const mistakes: string[] = [];

  beforeAll(async () => {
    running = await RunningService.start();
    folder = await mkdtemp(join(tmpdir(), "visii-studio-"));
    await writeFile(join(folder, "before.png"), await picture());
    await writeFile(join(folder, "after.png"), await picture("png", { red: 30 }));
    await writeFile(join(folder, "photo 1.jpg"), await picture("jpeg", { width: 48, height: 32 }));
    await writeFile(join(folder, "photo 2.png"), await picture("png", { width: 32, height: 48 }));
    browser = await chromium.launch({ executablePath: executablePath!, args: ["--no-sandbox"] });
    page = await browser.newPage({ viewport: { width: 390, height: 800 } });
    page.on("pageerror", (error) => mistakes.push(error.message));
    page.on("console", (message) => message.type() === "error" && mistakes.push(message.text()));
  });
  afterAll(async () => {
    await browser?.close();
    await running?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it("goes through the whole flow: open, learn, watch, edit, compare, bulk, usage", async () => {
    await page.goto(running.service.url);
    await page.getByLabel("API key").fill(running.service.key);
    await page.keyboard.press("Enter");
    await page.getByText("Open.").waitFor();

    await page.getByLabel("Before").setInputFiles(join(folder, "before.png"));
    await page.getByLabel("After").setInputFiles(join(folder, "after.png"));
    await page.getByLabel("Name").fill("dusk");
    await page.getByLabel("Steps").fill("16");
    await page.getByRole("button", { name: "Learn" }).click();
    // This pair is a change of colors, for which a lookup table does better: the page says so.
    await page.getByText("Learned, but read the warnings. Choose photos").waitFor({ timeout: 40_000 });
    const warnings = page.getByRole("list", { name: "Warnings" }).getByRole("listitem");
    expect(await warnings.allTextContents()).toContainEqual(
      expect.stringContaining("a change of colors alone"),
    );
    expect(await page.getByRole("img", { name: /^Loss by step: [\d.e-]+ at step \d+/ }).count()).toBe(1);
    await page.waitForFunction('document.getElementById("preview").naturalWidth > 0');
    expect(await page.locator("#instruction option:checked").textContent()).toBe("dusk");
    const [saved] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name: "Save as .visii" }).click(),
    ]);
    expect(saved.suggestedFilename()).toBe("dusk.visii");

    const photos = ["photo 1.jpg", "photo 2.png"].map((name) => join(folder, name));
    await page.getByLabel("Photos").setInputFiles(photos);
    await page.getByRole("button", { name: "Edit", exact: true }).click();
    await page.getByText("Done: 2 of 2.").waitFor({ timeout: 40_000 });
    const slider = page.getByLabel("photo 1.jpg: how much of the original is shown");
    await slider.focus();
    for (let press = 0; press < 10; press++) await page.keyboard.press("ArrowRight");
    expect(await slider.inputValue()).toBe("60");
    await page.waitForFunction(
      '[...document.querySelectorAll(".compare img")].every((image) => image.naturalWidth > 0)',
    );

    await page.getByRole("button", { name: "Edit in bulk" }).click();
    await page.getByText("In bulk: 2 of 2 done, 0 failed.").waitFor({ timeout: 40_000 });
    await expect.poll(() => page.locator("#usage").textContent(), { timeout: 10_000 }).toContain("4 images");
    expect(mistakes).toEqual([]);
  }, 150_000);

  it("shows what the service warns of, and edits by words alone", async () => {
    await page.getByLabel("After").setInputFiles(join(folder, "before.png"));
    await page.getByLabel("Steps").fill("2");
    await page.getByRole("button", { name: "Learn" }).click();
    await page.getByText("Learned, but read the warnings.").waitFor({ timeout: 40_000 });
    const warnings = page.getByRole("list", { name: "Warnings" }).getByRole("listitem");
    expect(await warnings.allTextContents()).toContainEqual(expect.stringContaining("nearly identical"));

    await page.getByLabel("Instruction").selectOption("words alone");
    await page.getByRole("button", { name: "Edit", exact: true }).click();
    await page.getByText("type some words").waitFor();
    await page.getByLabel("Words to mix in").fill("make it sepia");
    await page.getByRole("button", { name: "Edit", exact: true }).click();
    await page.getByText("Done: 2 of 2.").waitFor({ timeout: 40_000 });
    const message = await page.locator("#message").boundingBox();
    expect(message?.y).toBeGreaterThanOrEqual(0);
    expect(mistakes).toEqual([]);
  }, 120_000);

  it("is gone through by keyboard alone", async () => {
    const own = await browser.newPage();
    // A listener from the start: the one of `waitForEvent` may reach the browser after the key that opens the dialog.
    own.on("filechooser", () => {});
    await own.goto(running.service.url);
    /** Goes on with Tab until the field or button of that name has the focus. */
    const tabTo = async (name: string) => {
      for (let presses = 0; presses < 30; presses++) {
        await own.keyboard.press("Tab");
        const focused = await own.evaluate(
          "document.activeElement.labels?.[0]?.textContent.trim() ?? document.activeElement.textContent",
        );
        if (String(focused).startsWith(name)) return;
      }
      throw new Error(`Tab never comes to ${name}`);
    };
    const choose = async (name: string, ...files: string[]) => {
      await tabTo(name);
      const [chooser] = await Promise.all([own.waitForEvent("filechooser"), own.keyboard.press("Space")]);
      await chooser.setFiles(files.map((file) => join(folder, file)));
    };
    await tabTo("API key");
    await own.keyboard.type(running.service.key);
    await own.keyboard.press("Enter");
    await own.getByText("Open.").waitFor();
    await choose("Before", "before.png");
    await choose("After", "after.png");
    await tabTo("Steps");
    await own.keyboard.type("2");
    await own.keyboard.press("Enter");
    await own.getByText(/^Learned/).waitFor({ timeout: 40_000 });
    await choose("Photos", "photo 2.png");
    await tabTo("Edit");
    await own.keyboard.press("Enter");
    await own.getByText("Done: 1 of 1.").waitFor({ timeout: 40_000 });
    await own.close();
  }, 120_000);

  it.each(["light", "dark"] as const)("can be read where the page is %s", async (colorScheme) => {
    const own = await browser.newPage({ colorScheme });
    for (const path of ["/", "/docs"]) {
      await own.goto(`${running.service.url}${path}`);
      await own.evaluate('document.querySelectorAll("[hidden]").forEach((part) => (part.hidden = false))');
      expect(await own.evaluate(faint)).toEqual([]);
    }
    await own.close();
  });

  it("says a refusal in words, fits a phone's width, and names every field", async () => {
    const overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
    expect(overflow).toBeLessThanOrEqual(0);
    const unnamed = await page.evaluate(
      '[...document.querySelectorAll("input, select, button")].filter((field) => !(field.labels?.length || field.textContent.trim() || field.ariaLabel)).length',
    );
    expect(unnamed).toBe(0);
    await page.getByLabel("API key").fill("visii_test_wrong");
    await page.getByRole("button", { name: "Open" }).click();
    await page.getByText("Send a valid key").waitFor();
  });
});
