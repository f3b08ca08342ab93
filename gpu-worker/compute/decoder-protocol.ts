/** First byte of the decoder's output. If a process ends before it, the image is not the cause. */
export const decoderStarted = "\n";
/** Exit code if the rest of the output is an error for the caller: `{ code, message }`. */
export const refusedByDecoder = 3;
/** Exit code if the image needs more memory than the process is allowed. */
export const outOfMemory = 4;
