import { expect, it } from "vitest";
import { describeInBrowser, desktop, findings, phone, timeout } from "./studio-browser.ts";

describeInBrowser("the API reference", (studio) => {
  it.each([
    ["1280", desktop],
    ["390", phone],
  ] as const)(
    "sends requests with the studio's key at %s pixels, without an error in the console",
    async (_, options) => {
      const { page, mistakes } = await studio().open(options);
      await page.goto(`${studio().service.service.url}/docs`);
      const create = page.locator("#operations-Uploads-createUpload");
      await create.locator(".opblock-summary-control").click();
      await create.getByRole("button", { name: "Execute" }).click();
      const response = create.locator(".live-responses-table");
      await response.getByText("201", { exact: true }).waitFor();
      expect(await response.innerText()).toMatch(/"id": "upl_/);
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        // The script applies the color scheme after a delay, and some colors change gradually.
        await page.locator(colorScheme === "dark" ? "html.dark-mode" : "html:not(.dark-mode)").waitFor();
        await page.evaluate("Promise.allSettled(document.getAnimations().map((each) => each.finished))");
        expect(await findings(page)).toEqual([]);
      }
      expect(mistakes).toEqual([]);
    },
    timeout,
  );

  it(
    "shows the meaning of an error code at the URL in the error's type",
    async () => {
      const { page, mistakes } = await studio().open(phone);
      const { body } = await studio().service.call("GET", "/v1/edits/unknown");
      await page.goto(studio().service.service.url + body.type);
      const row = page.locator("#error-not_found");
      await page.locator("#operations-Uploads-createUpload").waitFor({ state: "attached" });
      expect(await row.innerText()).toContain("Not found");
      const place = "document.querySelector('#error-not_found').getBoundingClientRect()";
      expect(await page.evaluate(`${place}.top > 0 && ${place}.bottom < innerHeight`)).toBe(true);
      expect(mistakes).toEqual([]);
    },
    timeout,
  );
});
