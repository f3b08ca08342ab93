import type { ObjectStore } from "../../shared/ports/object-store.ts";
import type { SettlePorts } from "../settlement/settle.ts";

/** The dependencies of batch processing. */
export interface BatchPorts extends SettlePorts {
  readonly objects: ObjectStore;
}
