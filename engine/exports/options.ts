/** Allowed values of options. Nothing here loads onnxruntime or sharp. */
export type { CaptionKind } from "../captioning/caption-pair.ts";
export { type ColorProfileMode, colorProfileModes } from "../images/color-profile-mode.ts";
export { type DetailMode, detailModes } from "../images/restore-detail.ts";
export { type InstructionSpace, instructionSpaces } from "../instruction/instruction.ts";
export { type MetadataMode, metadataModes } from "../metadata/photo-metadata.ts";
export { type Precision, precisions } from "../networks/precision.ts";
export { type Mixing, mixings } from "../pipeline/mixing.ts";
export { type Device, type DeviceKind, deviceKinds, environmentFor, isDevice } from "../runtime/device.ts";
export { type SchedulerKind, schedulerKinds } from "../schedulers/create-scheduler.ts";
