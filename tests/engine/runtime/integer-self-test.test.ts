import { expect, it, vi } from "vitest";
import { openPipeline } from "../../../engine/pipeline/pipeline.ts";
import { requireExactIntegers } from "../../../engine/runtime/integer-self-test.ts";
import { Session } from "../../../engine/runtime/session.ts";
import { openFixture } from "../networks/expected-values.ts";

it("8-bit products of weights with seven bits are exact on this CPU", async () => {
  await expect(requireExactIntegers()).resolves.toBeUndefined();
});

it("a CPU whose products are not exact is refused for int8, in one sentence, and not for float32", async () => {
  const { folder } = await openFixture("tiny-mini");
  // Sums saturate as on a CPU that adds pairs of products in 16 bits.
  const run = vi.spyOn(Session.prototype, "run").mockImplementation(async function (this: Session, feeds) {
    run.mockRestore();
    const { y } = await this.run(feeds);
    return { y: y!.map((sum) => Math.min(sum, 32767)) };
  });
  await expect(openPipeline(folder, { device: "cpu", precision: "int8" })).rejects.toMatchObject({
    code: "device_unavailable",
    message:
      "This CPU computes 8-bit products wrongly: its self-test deviates by 7999733 and must be exact; use --precision fp32.",
  });
  await (await openPipeline(folder, { device: "cpu" })).dispose();
});
