/**
 * onnxruntime in float32 against float64, relative to the largest element. A rounding is 6e-8; the cases
 * here sum some hundred terms and take functions that libraries approximate to a few units in the last
 * place. Measured: 1e-6 at most.
 */
export const float32Tolerance = 2e-6;

/** The same for a derivative, two or three such operators in a row. Measured: 5e-7 at most. */
export const float32GradientTolerance = 2e-6;

/**
 * Half precision on onnxruntime against the reference that rounds what the graph holds in half precision. A
 * rounding is 2⁻¹¹ = 4.9e-4, and a derivative is some of them in a row. Measured: 4.7e-4 and 1.9e-3 at most.
 */
export const float16Tolerance = 1e-3;
export const float16GradientTolerance = 4e-3;

/**
 * Rules in float64 against central differences: truncation 4e-9 times a third derivative, float32 scalars
 * 6e-8. Measured: 6e-8.
 */
export const differenceTolerance = 2e-7;
