/** The three kinds of error that visii throws. */
export * from "../errors.ts";
