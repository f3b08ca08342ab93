/**
 * `sst secret set StripeKey sk_live_… --stage STAGE`; empty without billing. It reaches a function in an
 * encrypted file (`functions/config.ts` decrypts it), never in an environment variable.
 */
export const stripeKey = new sst.Secret("StripeKey", "");
