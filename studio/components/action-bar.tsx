import { editingCost, learningCost } from "../../shared/prices.ts";
import { account } from "../state/account.ts";
import { hasPair, photos, source, words } from "../state/bench.ts";
import { learn, learning, stopLearning } from "../state/learn.ts";
import { chosen } from "../state/library.ts";
import { attempt } from "../state/notices.ts";
import { applyEdit, runs } from "../state/runs.ts";
import { key } from "../state/session.ts";
import { counted, money } from "../text/format.ts";
import { showStage } from "./show-stage.ts";

/** Learns, then edits the photos, if there are any. */
async function learnAndApply() {
  showStage();
  if ((await learn()) && photos.value.length) await attempt("The photos were not edited", applyEdit);
}

async function apply() {
  showStage();
  await applyEdit();
}

/** A request for the missing input; undefined if everything is there. */
function missing(): string | undefined {
  if (key.value === "") return "Enter an API key first.";
  if (source.value === "words" && words.value.trim() === "") return "Describe the edit in words.";
  if (source.value === "pair" && !chosen.value)
    return hasPair.value ? undefined : "Add a photo before and after the edit.";
  return photos.value.length ? undefined : "Add a photo to edit.";
}

/** The primary button, with its cost or the missing input. */
export function ActionBar() {
  if (learning.value)
    return (
      <div class="action-bar">
        <button
          class="button"
          type="button"
          onClick={() => attempt("Learning could not be stopped", stopLearning)}
        >
          Stop learning
        </button>
      </div>
    );
  const isToLearn = source.value === "pair" && !chosen.value;
  const count = photos.value.length;
  const request = {
    ...(source.value === "pair" ? { instruction: "" } : {}),
    ...(words.value.trim() === "" ? {} : { text: words.value }),
  };
  const cost = (isToLearn ? learningCost() : 0) + count * editingCost(request, 1e6);
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
            : `At most about ${money(cost)}.`)}
      </p>
    </div>
  );
}
