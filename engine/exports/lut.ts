/** Color edits: least-squares fits of a pair, and 3D lookup tables (.cube). */
export { colorMapPsnr } from "../baselines/color-change.ts";
export { applyFit, type FittedEdit, fitEdit } from "../baselines/fit-edit.ts";
export { applyLut, lutSizes } from "../lut/color-lut.ts";
export { readCube, writeCube } from "../lut/cube-file.ts";
export { fitLut } from "../lut/fit-lut.ts";
