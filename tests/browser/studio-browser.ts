import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, type BrowserContextOptions, chromium, type Locator, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe } from "vitest";
import { picture } from "../functions/test-images.ts";
import { RunningService } from "../local/running-service.ts";

const chromiumPath = ["/usr/bin/chromium", "/usr/bin/google-chrome"].find(existsSync);
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Timeout of a test in milliseconds, long enough for a busy machine. */
export const timeout = 900_000;

export const desktop: BrowserContextOptions = { viewport: { width: 1280, height: 800 } };
export const phone: BrowserContextOptions = {
  viewport: { width: 390, height: 800 },
  hasTouch: true,
  isMobile: true,
};

interface Opened {
  readonly page: Page;
  /** API key of a separate account, so that tests are independent. */
  readonly key: string;
  /** Errors that the page threw or wrote to the console. */
  readonly mistakes: readonly string[];
}

interface OpenOptions {
  readonly service?: RunningService;
  /** False: the URL has no key. */
  readonly hasKey?: boolean;
  readonly credits?: number;
}

/** The service with the tiny model, a browser, and a folder of small images. */
class StudioBrowser {
  readonly service: RunningService;
  readonly #browser: Browser;
  readonly #folder: string;
  readonly #opened: { service: RunningService; key: string }[] = [];

  private constructor(service: RunningService, browser: Browser, folder: string) {
    this.service = service;
    this.#browser = browser;
    this.#folder = folder;
  }

  static async start(): Promise<StudioBrowser> {
    const service = await RunningService.start();
    const folder = await mkdtemp(join(tmpdir(), "visii-studio-"));
    const pictures = {
      "before.png": picture(),
      "after.png": picture("png", { red: 30 }),
      "wide.jpg": picture("jpeg", { width: 48, height: 32 }),
      "tall.png": picture("png", { width: 32, height: 48 }),
    };
    const cut = (await pictures["before.png"]).subarray(0, -40);
    await writeFile(join(folder, "cut.png"), cut);
    for (const [name, bytes] of Object.entries(pictures)) await writeFile(join(folder, name), await bytes);
    const browser = await chromium.launch({ executablePath: chromiumPath!, args: ["--no-sandbox"] });
    return new StudioBrowser(service, browser, folder);
  }

  async stop(): Promise<void> {
    await this.#browser.close();
    await this.service.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  file(name: string): string {
    return join(this.#folder, name);
  }

  /**
   * Called after each test, even a failed one: closes its pages and ends its jobs, which would delay the next
   * test.
   */
  async clear(): Promise<void> {
    await Promise.all(this.#browser.contexts().map((context) => context.close()));
    for (const { service, key } of this.#opened.splice(0)) {
      const { body } = await service.call("GET", "/v1/instructions", undefined, {}, key);
      for (const { id, status } of body.data)
        if (status === "queued" || status === "running")
          await service.call("POST", `/v1/instructions/${id}/cancel`, undefined, {}, key);
    }
  }

  /** Opens a tab at the URL that `npm run dev` prints, for a separate account. */
  async open(
    options: BrowserContextOptions,
    { service = this.service, hasKey = true, credits }: OpenOptions = {},
  ): Promise<Opened> {
    const { url } = service.service;
    const key = await service.openAccount(credits);
    this.#opened.push({ service, key });
    // Endless animations are rendered by the processor here.
    const context = await this.#browser.newContext({ ...options, reducedMotion: "reduce" });
    await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: url });
    context.setDefaultTimeout(timeout / 2);
    const page = await context.newPage();
    const mistakes: string[] = [];
    page.on("pageerror", ({ message }) => mistakes.push(message));
    page.on("console", (message) => message.type() === "error" && mistakes.push(message.text()));
    await page.goto(url + (hasKey ? `#key=${key}` : ""));
    await page
      .getByRole("button", { name: /photos?$/ })
      .first()
      .waitFor();
    return { page, key, mistakes };
  }
}

/**
 * Tests in a real browser, which share one StudioBrowser and are skipped without Chromium. `define` gets a
 * function that returns it during a test.
 */
export function describeInBrowser(name: string, define: (studio: () => StudioBrowser) => void): void {
  describe.skipIf(chromiumPath === undefined)(`${name}, in a real browser (needs chromium)`, () => {
    let studio: StudioBrowser;
    beforeAll(async () => {
      studio = await StudioBrowser.start();
    }, timeout);
    afterEach(() => studio.clear(), timeout);
    afterAll(() => studio?.stop());
    define(() => studio);
  });
}

export async function download(page: Page, click: () => Promise<void>) {
  const [saved] = await Promise.all([page.waitForEvent("download"), click()]);
  return { name: saved.suggestedFilename(), bytes: await readFile(await saved.path()) };
}

/** Returns axe's violations, and how much wider than the window the page is. */
export async function findings(page: Page): Promise<string[]> {
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

export const results = (page: Page): Locator => page.locator(".result .compare");
