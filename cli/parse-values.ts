import { VisibleError } from "visii-engine/errors";
import { type Device, deviceKinds, isDevice } from "visii-engine/options";

/** Parsers for option values. Each returns the checked value or throws an error that names the option. */

const refuse = (option: string, text: string, wanted: string): VisibleError =>
  new VisibleError("invalid_option", `${option} is "${text}"; it must be ${wanted}.`);

/** Parses a whole number of at least `min`. */
export function wholeNumber(option: string, least: 0 | 1): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\+?\d+$/.test(text.trim()) || !Number.isSafeInteger(value) || value < least)
      throw refuse(option, text, `a whole number of at least ${least}`);
    return value;
  };
}

const byteUnits: Readonly<Record<string, number>> = { GB: 1e9, GiB: 2 ** 30, MB: 1e6, MiB: 2 ** 20 };

/** "14GB", "8 GiB" → bytes. */
export function byteSize(option: string): (text: string) => number {
  return (text) => {
    const [, number, unit] = /^\s*(\d+(?:\.\d+)?)\s*(GB|GiB|MB|MiB)\s*$/.exec(text) ?? [];
    const bytes = Number(number) * (byteUnits[unit ?? ""] ?? Number.NaN);
    if (!(bytes > 0)) throw refuse(option, text, "a positive size with a unit, such as 14GB");
    return bytes;
  };
}

/** Parses a finite number. */
export function finiteNumber(option: string): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === "" || !Number.isFinite(value)) throw refuse(option, text, "a number, such as 7.5");
    return value;
  };
}

/** Parses a number above 0 and at most 1. */
export function share(option: string): (text: string) => number {
  return (text) => {
    const value = finiteNumber(option)(text);
    if (value <= 0 || value > 1) throw refuse(option, text, "a number above 0 and at most 1");
    return value;
  };
}

/** "0.2,0.8": two numbers from 0 to 1, in order. */
export function interval(option: string): (text: string) => readonly [number, number] {
  return (text) => {
    const [from, to, ...more] = text
      .split(",")
      .map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
    if (from === undefined || to === undefined || more.length || !(from >= 0 && from <= to && to <= 1))
      throw refuse(option, text, "two numbers from 0 to 1, the first at most the second, such as 0.2,0.8");
    return [from, to];
  };
}

export function oneOf<Choice extends string>(
  option: string,
  choices: readonly Choice[],
): (text: string) => Choice {
  return (text) => {
    const found = choices.find((choice) => choice === text);
    if (found === undefined) throw refuse(option, text, `one of ${choices.join(", ")}`);
    return found;
  };
}

/** Parses a device kind, or a GPU by index. */
export function deviceName(option: string): (text: string) => Device {
  return (text) => {
    if (!isDevice(text)) throw refuse(option, text, `one of ${deviceKinds.join(", ")}, or cuda:n`);
    return text;
  };
}

/** Parses a string with at least one non-space character. */
export function nonEmpty(option: string): (text: string) => string {
  return (text) => {
    if (text.trim() === "")
      throw new VisibleError("invalid_option", `${option} is "${text}"; it must not be empty.`);
    return text;
  };
}
