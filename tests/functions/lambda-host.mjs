// What Lambda does around a handler, for one bundle in a process of its own: events come and answers go as messages.
import { Writable } from "node:stream";
import { pathToFileURL } from "node:url";

globalThis.awslambda = {
  streamifyResponse: (handler) => Object.assign(handler, { streams: true }),
  HttpResponseStream: {
    from(stream, metadata) {
      process.send({ id: stream.id, type: "head", metadata });
      return stream;
    },
  },
};

const context = { getRemainingTimeInMillis: () => 20_000 };
const { handler } = await import(pathToFileURL(process.argv[2]).href);

process.on("message", async ({ id, event }) => {
  const stream = new Writable({
    write(chunk, _, done) {
      process.send({ id, type: "chunk", text: String(chunk) });
      done();
    },
  });
  stream.id = id;
  try {
    const result = handler.streams ? await handler(event, stream, context) : await handler(event, context);
    process.send({ id, type: "end", result });
  } catch (error) {
    process.send({ id, type: "failed", message: String(error) });
  }
});
process.once("disconnect", () => process.exit());
process.send({ type: "ready" });
