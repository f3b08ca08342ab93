/** Replaces the text between the lines `<!-- NAME -->` and `<!-- end of NAME -->`. */
export function replaceMarked(text: string, name: string, content: string): string {
  const [from, to] = marks(text, name);
  return `${text.slice(0, from)}\n\n${content}\n\n${text.slice(to)}`;
}

/** Returns the text between these lines. */
export function readMarked(text: string, name: string): string {
  return text.slice(...marks(text, name)).trim();
}

function marks(text: string, name: string): [number, number] {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`The lines ${begin} and ${end} are missing; add them.`);
  return [from + begin.length, to];
}
