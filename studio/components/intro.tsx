import { after, before } from "../state/bench.ts";
import { learning } from "../state/learn.ts";
import { chosen } from "../state/library.ts";
import { runs } from "../state/runs.ts";
import { Compare } from "./compare.tsx";

/** What this is, in a picture: shown until something was made. */
export function Intro() {
  if (learning.value || chosen.value || runs.value.length) return undefined;
  const [from, to] = [before.value, after.value];
  return (
    <section class="intro" aria-labelledby="intro-title">
      <h2 id="intro-title" class="headline">
        Show an edit once. <span class="accent">Apply it anywhere.</span>
      </h2>
      <p class="lead">
        One photo, before and after. visii learns what happened in between and does the same to your other
        photos.
      </p>
      {from && to ? <Compare before={from.url} after={to.url} name="The pair" isFramed /> : undefined}
    </section>
  );
}
