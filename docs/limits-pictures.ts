import { drawDetail, drawGuidance, drawSteps } from "./limits/editing-figures.ts";
import {
  drawAmbiguousWords,
  drawLeakage,
  drawUnaligned,
  drawUnlearnable,
} from "./limits/learning-figures.ts";
import { Studio } from "./limits/studio.ts";

/**
 * `npm run limits [-- NAME …]`: creates the pictures of limits.md and `ambiguous-words` of evaluation.md, all
 * or those named.
 */
const figures = {
  steps: drawSteps,
  guidance: drawGuidance,
  detail: drawDetail,
  unaligned: drawUnaligned,
  unlearnable: drawUnlearnable,
  leakage: drawLeakage,
  "ambiguous-words": drawAmbiguousWords,
} as const satisfies Readonly<Record<string, (studio: Studio) => Promise<void>>>;

const asked = process.argv.slice(2);
const studio = await Studio.open();
for (const [name, draw] of Object.entries(figures))
  if (!asked.length || asked.includes(name)) await draw(studio);
await studio.pipeline.dispose();
