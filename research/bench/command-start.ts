import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("../..", import.meta.url));
const repeats = 5;

/**
 * Preloaded code with which a Node process prints its CPU time in microseconds as the last line on stderr.
 */
const telling =
  "data:text/javascript,process.on('exit',()=>{const{user,system}=process.cpuUsage();console.error('\\n'+(user+system))})";

/**
 * CPU time of the command line with the bundled model: Node alone, the help (which loads every command), one
 * command's help (which loads that command), and one complete edit.
 */
export async function benchCommandStart(
  scratch: string,
  say: (line: string) => void,
): Promise<Readonly<Record<string, number>>> {
  const bin = join(root, "cli", "bin.js");
  const photo = join(root, "demo", "chelsea.jpg");
  const runs: Readonly<Record<string, readonly string[]>> = {
    "Node alone": ["-e", "0"],
    "visii --help": [bin, "--help"],
    "visii edit --help": [bin, "edit", "--help"],
    "visii edit, one photo": [bin, "edit", "make it night", photo, "--out", scratch],
  };
  const taken = new Map<string, number[]>(Object.keys(runs).map((name) => [name, []]));
  for (let i = 0; i < repeats; i++)
    for (const [name, words] of Object.entries(runs)) {
      const { stderr } = await promisify(execFile)(process.execPath, ["--import", telling, ...words]);
      taken.get(name)!.push(Number(stderr.trim().split("\n").at(-1)) / 1e6);
    }
  const figures = Object.fromEntries(
    [...taken].map(([name, seconds]) => [name, seconds.sort((a, b) => a - b)[Math.floor(repeats / 2)]!]),
  );
  say("with the bundled model, seconds of processor time:");
  for (const [name, seconds] of Object.entries(figures)) say(`  ${name.padEnd(24)}${seconds.toFixed(2)}`);
  return figures;
}
