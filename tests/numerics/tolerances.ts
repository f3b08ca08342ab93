/**
 * onnxruntime in float32 against float64, relative to the largest element. A rounding is 6e-8; the cases here sum some
 * hundred terms and take functions that libraries approximate to a few units in the last place. Measured: 1e-6 at most.
 */
export const float32Tolerance = 2e-6;

/** The same for a derivative, two or three such operators in a row. Measured: 5e-7 at most. */
export const float32GradientTolerance = 2e-6;

/** Rules in float64 against central differences: truncation 4e-9 times a third derivative, float32 scalars 6e-8. Measured: 6e-8. */
export const differenceTolerance = 2e-7;
