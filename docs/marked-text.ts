/** Replaces what stands between `<!-- NAME -->` and `<!-- end of NAME -->`; both lines stay. */
export function replaceMarked(text: string, name: string, content: string): string {
  const [from, to] = marks(text, name);
  return `${text.slice(0, from)}\n\n${content}\n\n${text.slice(to)}`;
}

/** What stands between the two lines. */
export function readMarked(text: string, name: string): string {
  return text.slice(...marks(text, name)).trim();
}

function marks(text: string, name: string): [number, number] {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`There is no ${begin} … ${end} to write between.`);
  return [from + begin.length, to];
}
