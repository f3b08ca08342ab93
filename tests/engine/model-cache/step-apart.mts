/** `FOLDER CACHE`: one step in a process of its own; prints the step's bits. */
import { stepOf } from "./loss-bits.ts";

const [folder, cache] = process.argv.slice(2) as [string, string];
const note = (line: string) => process.stderr.write(`${line}\n`);
console.log((await stepOf(folder, { folder: cache, least: 0, note })).bits);
