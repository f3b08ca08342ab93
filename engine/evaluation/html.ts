/** Trusted HTML. `html` creates it and escapes interpolated strings. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

type Part = string | number | Html | readonly Html[];

/** A template that escapes strings, so that file and case names cannot inject markup. */
export function html(literals: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(literals.reduce((text, literal, index) => text + write(parts[index - 1]!) + literal));
}

function write(part: Part): string {
  if (part instanceof Html) return part.text;
  if (typeof part === "object") return part.map(({ text }) => text).join("\n");
  return String(part).replace(/[&<>"']/g, (character) => entities[character]!);
}

/** A relative file path as a URL. */
export function pathUrl(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}
