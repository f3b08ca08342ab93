import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { status } from "../state/notices.ts";
import { asCurl, asTypeScript, type Made } from "../text/code-samples.ts";
import { CloseIcon, CodeIcon } from "./icons.tsx";

const languages = [
  ["curl", asCurl],
  ["TypeScript", asTypeScript],
] as const;

/** The last requests as code. */
export function CodeSample({ made }: { readonly made: readonly Made[] }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const copied = useSignal("");
  const copy = async (name: string, text: string) => {
    await navigator.clipboard.writeText(text);
    copied.value = name;
    status.value = `Copied as ${name}.`;
  };
  return (
    <>
      <button class="button small" type="button" onClick={() => dialog.current?.showModal()}>
        <CodeIcon /> Copy as code
      </button>
      <dialog ref={dialog} class="code card" aria-label="Use the API">
        <div class="part-head">
          <h2>Use the API</h2>
          <button
            class="icon-button"
            type="button"
            aria-label="Close the code"
            onClick={() => dialog.current?.close()}
          >
            <CloseIcon />
          </button>
        </div>
        {languages.map(([name, write]) => {
          const text = made.map((one) => write(one, location.origin)).join("\n");
          return (
            <div key={name} class="code-language">
              <div class="part-head">
                <h3>{name}</h3>
                <button
                  class="button small"
                  type="button"
                  aria-label={`Copy as ${name}`}
                  onClick={() => copy(name, text)}
                >
                  {copied.value === name ? "Copied" : "Copy"}
                </button>
              </div>
              {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable element must be reachable by keyboard */}
              <pre tabIndex={0}>
                <code>{text}</code>
              </pre>
            </div>
          );
        })}
        <p class="hint">
          The key is read from <code>VISII_API_KEY</code>. The photos are already uploaded and are kept for 30
          days.
        </p>
      </dialog>
    </>
  );
}
