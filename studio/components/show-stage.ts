/** Scrolls to the results if the page has one column and they are below. */
export function showStage(): void {
  if (matchMedia("(width < 60rem)").matches)
    requestAnimationFrame(() => document.getElementById("stage")?.scrollIntoView({ block: "start" }));
}
