/** Runs the stand-ins in their own process, so that their cost is not counted as the API's. */
import { startStandIns } from "../../../local/stand-ins.ts";
import { usedMilliseconds } from "./child.ts";

const { aws, bucket, table, queueUrls, stop } = await startStandIns();
process.on("message", () => process.send?.({ cpu: usedMilliseconds() }));
process.once("disconnect", () => void stop().then(() => process.exit()));
process.send?.({ aws, bucket, table, queueUrls });
