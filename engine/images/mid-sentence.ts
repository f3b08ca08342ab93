/** A name such as `The photo` for a place inside a sentence. Paths stay as they are. */
export const midSentence = (name: string): string => name.replace(/^The /, "the ");
