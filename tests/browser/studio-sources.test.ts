import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { bundledModel } from "../../engine/bundled-model.ts";
import { picture } from "../functions/test-images.ts";
import { RunningService } from "../local/running-service.ts";
import { describeInBrowser, desktop, download, findings, results, timeout } from "./studio-browser.ts";

describeInBrowser("the studio's pairs, files, drafts and many photos", (studio) => {
  it(
    "learns from several pairs, and imports the saved file from a file dialog and by drag and drop",
    async () => {
      const { page, key, mistakes } = await studio().open(desktop);
      for (const [label, name] of [
        ["Before", "before.png"],
        ["After", "after.png"],
      ] as const)
        await page.getByLabel(label, { exact: true }).setInputFiles(studio().file(name));
      await page.getByRole("button", { name: "Add a pair of the same edit" }).click();
      await page.getByLabel("Before 2", { exact: true }).setInputFiles(studio().file("before.png"));
      await page.getByText("Add the other photo of the pair.").waitFor();
      await page.getByLabel("After 2", { exact: true }).setInputFiles(studio().file("after.png"));
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
      const again = await studio().service.end(`/v1/instructions/${id}`, timeout / 1000, key);
      expect(again).toMatchObject({ status: "succeeded", name: "after" });
      expect(curl.match(/"before"/g)).toHaveLength(2);
      await page.keyboard.press("Escape");
      const { bytes } = await download(page, () => page.getByRole("link", { name: ".visii" }).click());
      await writeFile(studio().file("mine.visii"), bytes);

      await page.getByRole("button", { name: "New edit" }).click();
      await page.getByText("File", { exact: true }).click();
      expect(await findings(page)).toEqual([]);
      await page.getByLabel("Choose a .visii file").setInputFiles(studio().file("mine.visii"));
      await page.locator(".shelf").getByText("mine").waitFor();
      expect(await page.getByLabel("Name").inputValue()).toBe("mine");

      await writeFile(studio().file("broken.visii"), "no safetensors");
      await page.getByRole("button", { name: "New edit" }).click();
      await page.getByText("File", { exact: true }).click();
      await page.getByLabel("Choose a .visii file").setInputFiles(studio().file("broken.visii"));
      await page.getByRole("alert").getByText("The file was not imported").waitFor();
      expect(mistakes.filter((text) => !text.includes("422"))).toEqual([]);
    },
    timeout,
  );

  it(
    "edits many photos in groups of 16, and saves all of them",
    async () => {
      const { page, mistakes } = await studio().open(desktop);
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
    timeout,
  );

  it(
    "shows that the credit is insufficient, and how much would be reserved",
    async () => {
      const { page } = await studio().open(desktop, { credits: 1000 });
      await page.getByText(/^This reserves about \$0\.03\d*; the account has \$0\.001\./).waitFor();
      await page.getByRole("button", { name: "Learn and edit 3 photos" }).click();
      await page.getByRole("alert").getByText("Learning failed").waitFor();
      await page
        .getByRole("alert")
        .getByText(/credit/)
        .waitFor();
    },
    timeout,
  );

  it(
    "edits with a draft of the pair encoder before learning, and keeps it when learning is stopped",
    async () => {
      const service = await RunningService.start({ model: bundledModel });
      try {
        const { page, mistakes } = await studio().open(desktop, { service });
        await page.getByRole("button", { name: "Remove all 3" }).click();
        await page.getByLabel("Add photos").setInputFiles(studio().file("wide.jpg"));
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
        // Before the service stops.
        await studio().clear();
        await service.stop();
      }
    },
    timeout,
  );
});
