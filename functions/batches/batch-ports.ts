import type { ConcludePorts } from "../../shared/jobs/conclude.ts";
import type { ObjectStore } from "../../shared/ports/object-store.ts";

/** What a batch needs of the world to go on. */
export interface BatchPorts extends ConcludePorts {
  readonly objects: ObjectStore;
}
