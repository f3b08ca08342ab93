/**
 * Entry point of the process that decodes one image. It reads a line, which names the image in errors, and
 * the file from stdin. It writes one byte when it starts to decode, then the normalized image. With exit code
 * 3, it writes the error as JSON instead.
 */
import { buffer } from "node:stream/consumers";
import { normalizeImage } from "../../engine/images/normalize-image.ts";
import { VisibleError } from "../../shared/errors.ts";
import { decoderStarted, outOfMemory, refusedByDecoder } from "./decoder-protocol.ts";

const input = await buffer(process.stdin);
const end = input.indexOf("\n");
const subject = input.toString("utf8", 0, end);
process.stdout.write(decoderStarted);
try {
  process.stdout.write(await normalizeImage(input.subarray(end + 1), subject));
} catch (error) {
  if (!(error instanceof VisibleError)) throw error;
  process.stdout.write(JSON.stringify({ code: error.code, message: error.message }));
  process.exitCode = isOutOfMemory(error) ? outOfMemory : refusedByDecoder;
}

/** libjpeg, libvips, libspng, libheif and V8 report a failed allocation as an error of the file. */
function isOutOfMemory({ cause }: VisibleError): boolean {
  return (
    cause instanceof Error &&
    /insufficient memory|out of memory|memory allocation|allocation failed/i.test(cause.message)
  );
}
