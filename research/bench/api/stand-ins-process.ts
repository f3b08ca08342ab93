/** The stand-ins in a process of their own, so that what the API costs is told from what they cost. */
import { startStandIns } from "../../../local/stand-ins.ts";
import { usedMilliseconds } from "./child.ts";

const { aws, bucket, table, queueUrls, stop } = await startStandIns();
process.on("message", () => process.send?.({ cpu: usedMilliseconds() }));
process.once("disconnect", () => void stop().then(() => process.exit()));
process.send?.({ aws, bucket, table, queueUrls });
