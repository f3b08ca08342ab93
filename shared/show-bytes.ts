const units = [
  [1e9, "GB"],
  [1e6, "MB"],
  [1e3, "kB"],
] as const;

/** Formats a number of bytes: `17.3 GB`, `86 MB`. */
export function showBytes(bytes: number): string {
  const [size, unit] = units.find(([least]) => bytes >= least) ?? [1, "bytes"];
  return `${(bytes / size).toFixed(unit === "GB" ? 1 : 0)} ${unit}`;
}
