import { source } from "../state/bench.ts";
import { draft } from "../state/draft.ts";
import { learning } from "../state/learn.ts";
import { chosen, library, nameOf } from "../state/library.ts";
import { attempt } from "../state/notices.ts";
import { api } from "../state/session.ts";
import { day } from "../text/format.ts";
import { PairThumbnail } from "./pair-thumbnail.tsx";

/** Selects an instruction. Fetched alone, it has more fields than in a list. */
async function choose(id: string): Promise<void> {
  chosen.value = await api.value.instructions.get(id);
  source.value = "pair";
}

/** Earlier instructions. */
export function Shelf() {
  const learned = library.value.filter(({ status, id }) => status === "succeeded" && id !== draft.value?.id);
  if (!learned.length) return undefined;
  return (
    <section class="shelf" aria-labelledby="shelf-title">
      <h2 id="shelf-title">Learned edits</h2>
      <ul class="shelf-items">
        {learned.map((instruction) => (
          <li key={instruction.id}>
            <button
              class="shelf-item"
              type="button"
              aria-pressed={chosen.value?.id === instruction.id}
              disabled={learning.value !== undefined}
              onClick={() => attempt("The edit could not be opened", () => choose(instruction.id))}
            >
              <PairThumbnail instruction={instruction} />
              <span class="shelf-name">{nameOf(instruction)}</span>
              <span class="shelf-day">{day(instruction.created_at)}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
