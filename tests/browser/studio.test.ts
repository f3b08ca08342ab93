import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { picture } from "../functions/pictures.ts";
import { RunningService } from "../local/running-service.ts";

const executablePath = ["/usr/bin/chromium", "/usr/bin/google-chrome"].find(existsSync);

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
    await page.getByText("Learned. Choose photos").waitFor({ timeout: 40_000 });
    expect(await page.getByRole("img", { name: /^Loss by step: [\d.e-]+ at step \d+/ }).count()).toBe(1);
    await page.waitForFunction('document.getElementById("preview").naturalWidth > 0');
    expect(await page.locator("#instruction option:checked").textContent()).toBe("dusk");
    expect(await page.getByRole("link", { name: "Save as .visii" }).getAttribute("download")).toBe(
      "dusk.visii",
    );

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
