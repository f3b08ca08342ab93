/**
 * How words are added to a learned instruction. `joined`: their rows stand behind its own in one text, as in the paper.
 * `in-turn`: they make a second edit, of what the first one made, for twice the evaluations.
 */
export const mixings = ["joined", "in-turn"] as const;
export type Mixing = (typeof mixings)[number];
