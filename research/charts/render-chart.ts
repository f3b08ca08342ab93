import { parse, type Spec, View } from "vega";

interface Description {
  readonly title: string;
  readonly description: string;
}

/** A vega specification as an SVG document with a title and a description. */
export async function renderChart(spec: Spec, { title, description }: Description): Promise<string> {
  const view = new View(parse(spec), { renderer: "none" });
  try {
    const svg = await view.toSVG();
    const named = svg.replace(
      /^<svg ([^>]*)>/,
      (_, attributes: string) =>
        `<svg role="img" ${attributes}><title>${escapeXml(title)}</title><desc>${escapeXml(description)}</desc>`,
    );
    return `${named}\n`;
  } finally {
    view.finalize();
  }
}

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };

function escapeXml(text: string): string {
  return text.replace(/[&<>]/g, (character) => entities[character]!);
}
