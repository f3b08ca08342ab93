import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { z } from "zod";
import { defined } from "../../shared/defined.ts";
import { VisibleError } from "../errors.ts";
import {
  type CaseDescription,
  type CaseFiles,
  caseDescriptionSchema,
  type PairFiles,
  type TestFiles,
} from "./evaluation-case.ts";
import { type FolderEntry, fileNamed, listFolder } from "./list-folder.ts";

const manual = "see docs/evaluation-set.md";
const caseFolders = ["pairs", "tests", "truth"];

const refuse = (what: string): VisibleError => new VisibleError("invalid_set", `${what} (${manual}).`);

/**
 * Reads an evaluation set. Each subfolder is a case; cases are in natural order of their names.
 *
 * @throws VisibleError `set_not_found` or `invalid_set`, naming a missing, duplicate or unknown file or
 * folder
 */
export async function readSet(folder: string): Promise<CaseFiles[]> {
  const entries = await listFolder(folder);
  if (!entries)
    throw new VisibleError(
      "set_not_found",
      `Folder ${folder} does not exist; give the folder of an evaluation set.`,
    );
  const folders = entries.filter(({ isFolder }) => isFolder);
  if (folders.some(({ name }) => name === "tests") && fileNamed(entries, "case") !== undefined)
    throw refuse(`${folder} is a single case; give its parent folder`);
  if (entries.some(({ name, isFolder }) => !isFolder && ["before", "after"].includes(name)))
    throw refuse(`${folder} is a single case; give its parent folder`);
  if (!folders.length)
    throw refuse(`${folder} contains no cases; a case is a folder with before, after and tests/`);
  const cases: CaseFiles[] = [];
  for (const { path } of folders) cases.push(await readCase(path));
  return cases;
}

async function readCase(folder: string): Promise<CaseFiles> {
  const entries = (await listFolder(folder)) ?? [];
  const stray = entries.find(({ isFolder, name }) => isFolder && !caseFolders.includes(name));
  if (stray) throw refuse(`${stray.path} is not a valid folder of a case; use ${caseFolders.join(", ")}`);
  const description = await readDescription(folder, entries);
  const tests = await readTests(folder);
  const unknown = Object.keys(description.tests ?? {}).find((name) => !tests.some((t) => t.name === name));
  if (unknown !== undefined)
    throw refuse(`${join(folder, "case.json")} has a caption for "${unknown}", but tests/ has no such photo`);
  return { name: basename(folder), description, pairs: await readPairs(folder, entries), tests };
}

/** The case's own before and after, then those of pairs/*. */
async function readPairs(folder: string, entries: readonly FolderEntry[]): Promise<CaseFiles["pairs"]> {
  const pairs: PairFiles[] = [];
  const own = pairIn(folder, entries);
  if (own) pairs.push(own);
  for (const { path, isFolder } of (await listFolder(join(folder, "pairs"))) ?? []) {
    if (!isFolder)
      throw refuse(`${path} is not a folder; store additional pairs as pairs/01/before and pairs/01/after`);
    const pair = pairIn(path, (await listFolder(path)) ?? []);
    if (!pair) throw refuse(`${path} has no before and after image`);
    pairs.push(pair);
  }
  const [first, ...others] = pairs;
  if (!first)
    throw refuse(`${folder} has no pair; add before and after, or pairs/01/before and pairs/01/after`);
  return [first, ...others];
}

function pairIn(folder: string, entries: readonly FolderEntry[]): PairFiles | undefined {
  const [before, after] = [fileNamed(entries, "before"), fileNamed(entries, "after")];
  if (before === undefined && after === undefined) return undefined;
  if (before === undefined || after === undefined)
    throw refuse(`${folder} has ${before === undefined ? "after but no before" : "before but no after"}`);
  return { before, after };
}

async function readTests(folder: string): Promise<TestFiles[]> {
  const photos = await listFolder(join(folder, "tests"));
  if (!photos?.length) throw refuse(`${folder} has no photo to edit; add at least one to ${folder}/tests`);
  const truths = (await listFolder(join(folder, "truth"))) ?? [];
  for (const { path, isFolder } of [...photos, ...truths])
    if (isFolder) throw refuse(`${path} is a folder, but must be an image`);
  const lost = truths.find(({ name }) => !photos.some((photo) => photo.name === name));
  if (lost) throw refuse(`${lost.path} has no matching photo tests/${lost.name}.*`);
  return photos.map(({ name }) => {
    const truth = fileNamed(truths, name);
    return { name, photo: fileNamed(photos, name)!, ...defined({ truth }) };
  });
}

async function readDescription(folder: string, entries: readonly FolderEntry[]): Promise<CaseDescription> {
  const path = entries.find((entry) => !entry.isFolder && basename(entry.path) === "case.json")?.path;
  if (path === undefined) return {};
  try {
    return caseDescriptionSchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch (cause) {
    const why = cause instanceof z.ZodError ? describeIssue(cause) : "not valid JSON";
    throw new VisibleError("invalid_set", `${join(folder, "case.json")}: ${why} (${manual}).`, { cause });
  }
}

function describeIssue({ issues: [issue] }: z.ZodError): string {
  const place = issue?.path.join(".");
  return `${place ? `${place}: ` : ""}${issue?.message}`;
}
