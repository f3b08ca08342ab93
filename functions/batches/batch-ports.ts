import type { ConcludePorts } from "../../shared/jobs/conclude.ts";
import type { ObjectStore } from "../../shared/ports/object-store.ts";

/** The dependencies of batch processing. */
export interface BatchPorts extends ConcludePorts {
  readonly objects: ObjectStore;
}
