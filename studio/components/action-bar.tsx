import { editingCost, learningCost } from "../../shared/prices.ts";
import { account } from "../state/account.ts";
import { hasHalfPair, hasPair, photos, source, words } from "../state/bench.ts";
import { learning, stopLearning } from "../state/learn.ts";
import { learnAndEdit } from "../state/learn-and-edit.ts";
import { chosen } from "../state/library.ts";
import { attempt } from "../state/notices.ts";
import { applyEdit, draftPhotos, runs } from "../state/runs.ts";
import { key } from "../state/session.ts";
import { counted, money } from "../text/format.ts";
import { showStage } from "./show-stage.ts";

async function apply() {
  showStage();
  await applyEdit(source.value === "pair" ? chosen.value : undefined, photos.value);
}

async function learnAndApply() {
  showStage();
  await learnAndEdit();
}

/** A request for the missing input; undefined if everything is there. */
function missing(): string | undefined {
  if (key.value === "") return "Enter an API key first.";
  if (source.value === "file") return "Choose a .visii file.";
  if (source.value === "words" && words.value.trim() === "") return "Describe the edit in words.";
  if (source.value === "pair" && !chosen.value) {
    if (hasHalfPair.value) return "Add the other photo of the pair.";
    return hasPair.value ? undefined : "Add a photo before and after the edit.";
  }
  return photos.value.length ? undefined : "Add a photo to edit.";
}

/** Reservation for all requests of a click. Before learning there is a draft with its own results. */
function costOf(isToLearn: boolean, count: number): number {
  const request = {
    ...(source.value === "pair" ? { instruction: "" } : {}),
    ...(words.value.trim() === "" ? {} : { text: words.value }),
  };
  const each = editingCost(request, 1e6);
  return (
    count * each + (isToLearn ? learningCost() + learningCost(0) + Math.min(count, draftPhotos) * each : 0)
  );
}

/** The primary button, with its cost or the missing input. */
export function ActionBar() {
  if (learning.value)
    return (
      <div class="action-bar">
        <button
          class="button"
          type="button"
          disabled={learning.value.id === undefined || learning.value.isStopped}
          onClick={() => attempt("Learning could not be stopped", stopLearning)}
        >
          {learning.value.isStopped ? "Stopping …" : "Stop learning"}
        </button>
      </div>
    );
  const isToLearn = source.value === "pair" && !chosen.value;
  const count = photos.value.length;
  const cost = costOf(isToLearn, count);
  const isOpen = runs.value.some((run) => run.isOpen);
  const reason = missing();
  const isShort = account.value !== undefined && account.value.balance < cost;
  return (
    <div class="action-bar">
      <button
        class="button primary"
        type="button"
        disabled={reason !== undefined || isOpen}
        onClick={() =>
          isToLearn ? attempt("Learning failed", learnAndApply) : attempt("The photos were not edited", apply)
        }
      >
        {isToLearn ? (count ? `Learn and edit ${counted(count, "photo")}` : "Learn this edit") : undefined}
        {isToLearn ? undefined : isOpen ? "Editing …" : `Edit ${counted(count, "photo")}`}
      </button>
      <p class="hint">
        {reason ??
          (isShort
            ? `This reserves about ${money(cost)}; the account has ${money(account.value?.balance ?? 0)}.`
            : `Costs at most ${money(cost)}.`)}
      </p>
    </div>
  );
}
