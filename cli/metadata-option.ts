import type { Command } from "commander";
import { metadataModes } from "visii-engine/options";
import { oneOf } from "./parse-values.ts";

/** Adds --metadata, which `apply`, `edit` and `lut --apply` share. */
export const addMetadataOption = (command: Command): Command =>
  command.option(
    "--metadata <how>",
    "what results keep of a photo's EXIF, IPTC and XMP: safe (all but the place), keep (also the place), strip",
    oneOf("--metadata", metadataModes),
    "safe",
  );
