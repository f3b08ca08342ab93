/** Where the page is one column, what was just begun is below. */
export function showStage(): void {
  if (matchMedia("(width < 60rem)").matches)
    requestAnimationFrame(() => document.getElementById("stage")?.scrollIntoView({ block: "start" }));
}
