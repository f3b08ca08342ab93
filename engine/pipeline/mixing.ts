/**
 * How a text is combined with an instruction. `joined`: its rows follow the instruction's in one prompt, as
 * in the paper. `in-turn`: a second edit applies the text to the result of the first, at twice the UNet
 * evaluations.
 */
export const mixings = ["joined", "in-turn"] as const;
export type Mixing = (typeof mixings)[number];
