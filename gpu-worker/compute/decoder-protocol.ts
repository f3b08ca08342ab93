/** First byte of the decoder's output. A process that ends before it did not fail because of the image. */
export const decoderStarted = "\n";
/** Exit code: the rest of the output is `{ code, message }` for the caller. */
export const refusedByDecoder = 3;
/** Exit code: the image needs more memory than the process may have. */
export const outOfMemory = 4;
