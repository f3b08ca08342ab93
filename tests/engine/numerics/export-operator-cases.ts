import { exportedCases } from "./exported-cases.ts";

/** Prints every operator case with its numbers as JSON, for `tests/oracle/operators.py`. */
process.stdout.write(exportedCases());
