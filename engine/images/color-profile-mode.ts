/**
 * `srgb`: a photo is converted to sRGB. `keep`: it stays in its own color space, if that is another RGB space
 * of primaries and curves.
 */
export const colorProfileModes = ["srgb", "keep"] as const;
export type ColorProfileMode = (typeof colorProfileModes)[number];
