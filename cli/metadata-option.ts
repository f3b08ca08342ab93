import type { Command } from "commander";
import { metadataModes } from "visii-engine/options";
import { oneOf } from "./parse-values.ts";

/** Adds --metadata, which `apply`, `edit` and `lut --apply` share. */
export const addMetadataOption = (command: Command): Command =>
  command.option(
    "--metadata <how>",
    "EXIF, IPTC and XMP that results keep: safe (all but the location), keep (also the location), strip (none)",
    oneOf("--metadata", metadataModes),
    "safe",
  );
