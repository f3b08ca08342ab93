/** `FOLDER CACHE`: computes one step in a separate process and prints its bits. */
import { stepOf } from "./loss-bits.ts";

const [folder, cache] = process.argv.slice(2) as [string, string];
const note = (line: string) => process.stderr.write(`${line}\n`);
console.log((await stepOf(folder, { folder: cache, least: 0, note })).bits);
