import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { saveResult } from "../state/downloads.ts";
import { attempt } from "../state/notices.ts";
import { step, zoomed, zoomedResult } from "../state/zoomed.ts";
import { Compare } from "./compare.tsx";
import { ArrowIcon, BackIcon, CloseIcon, DownloadIcon } from "./icons.tsx";

/** One result, fitted to the window or at 1:1. */
export function Lightbox() {
  const dialog = useRef<HTMLDialogElement>(null);
  const isPixelwise = useSignal(false);
  const shown = zoomedResult.value;
  const isOpen = shown !== undefined;
  useEffect(() => {
    if (isOpen && !dialog.current?.open) dialog.current?.showModal();
    if (!isOpen) dialog.current?.close();
  }, [isOpen]);
  const { run, result } = shown ?? {};
  const { url, width = 1, height = 1 } = result ?? {};
  const scale = isPixelwise.value ? 1 / devicePixelRatio : undefined;
  return (
    <dialog
      ref={dialog}
      class="lightbox"
      aria-label="Result"
      onClose={() => {
        zoomed.value = undefined;
      }}
    >
      {run && result && url !== undefined ? (
        <>
          <div class="lightbox-bar">
            <p class="lightbox-name">
              <strong>{result.photo.name}</strong> {width} × {height}
            </p>
            <button class="icon-button" type="button" aria-label="Previous" onClick={() => step(-1)}>
              <BackIcon />
            </button>
            <button class="icon-button" type="button" aria-label="Next" onClick={() => step(1)}>
              <ArrowIcon />
            </button>
            <button
              class="button small"
              type="button"
              aria-pressed={isPixelwise.value}
              onClick={() => {
                isPixelwise.value = !isPixelwise.value;
              }}
            >
              1:1
            </button>
            <button
              class="icon-button"
              type="button"
              aria-label="Download"
              onClick={() => attempt("The result could not be downloaded", () => saveResult(result, run))}
            >
              <DownloadIcon />
            </button>
            <button
              class="icon-button"
              type="button"
              aria-label="Close"
              onClick={() => dialog.current?.close()}
            >
              <CloseIcon />
            </button>
          </div>
          <div class={`lightbox-view${isPixelwise.value ? " pixelwise" : ""}`}>
            <div
              class="lightbox-picture"
              style={{ "--aspect": width / height, width: scale ? `${width * scale}px` : "" }}
            >
              <Compare
                key={result.photo.id}
                before={result.photo.url}
                after={url}
                name={result.photo.name}
                size={{ width, height }}
                isFramed
                isScrolled={isPixelwise.value}
              />
            </div>
          </div>
        </>
      ) : undefined}
    </dialog>
  );
}
