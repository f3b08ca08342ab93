import { DownloadIcon } from "./icons.tsx";

/** If a pair differs only in color, a lookup table is the better tool. */
export function ColorChange({ lut }: { readonly lut: string }) {
  return (
    <div class="notice color-change">
      <div>
        <strong>This edit only changes colors.</strong>
        <p>
          A lookup table repeats it more closely, at any size and in real time: in Photoshop, Lightroom,
          DaVinci Resolve, Premiere or ffmpeg.
        </p>
      </div>
      <a class="button small" href={lut} download>
        <DownloadIcon /> Save the .cube
      </a>
    </div>
  );
}
