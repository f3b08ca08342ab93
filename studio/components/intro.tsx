import { isBenchEmpty, wholePairs } from "../state/bench.ts";
import { isExampleLoaded, layOutExample } from "../state/example.ts";
import { learning } from "../state/learn.ts";
import { chosen } from "../state/library.ts";
import { quietly } from "../state/notices.ts";
import { runs } from "../state/runs.ts";
import { Compare } from "./compare.tsx";
import { ImageIcon } from "./icons.tsx";

/** Introduction, shown until there is a result. */
export function Intro() {
  if (learning.value || chosen.value || runs.value.length) return undefined;
  const [pair] = wholePairs.value;
  return (
    <section class="intro" aria-labelledby="intro-title">
      <h2 id="intro-title" class="headline">
        Show an edit once. <span class="accent">Apply it anywhere.</span>
      </h2>
      <p class="lead">
        Add one photo before and after an edit. visii learns the edit and applies it to your other photos.
      </p>
      {pair ? (
        <Compare before={pair.before.url} after={pair.after.url} name="The pair" isFramed />
      ) : undefined}
      {isBenchEmpty.value && isExampleLoaded.value ? (
        <button class="button show-example" type="button" onClick={() => quietly(layOutExample())}>
          <ImageIcon /> Show the example
        </button>
      ) : undefined}
    </section>
  );
}
