/**
 * `sst secret set StripeKey sk_live_… --stage STAGE`; empty where nobody is billed. It reaches a function sealed, in a file
 * beside its code (`functions/config.ts` opens it), and never stands in an environment.
 */
export const stripeKey = new sst.Secret("StripeKey", "");
