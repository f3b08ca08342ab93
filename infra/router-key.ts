import { createPass } from "../shared/router-pass.ts";

const bytes = new random.RandomBytes("RouterKey", { length: 32 });

/** What the API knows the router by. It reaches the function sealed, as the billing key does. */
export const routerKey = new sst.Linkable("RouterKeyLink", { properties: { value: bytes.base64 } });

/** The day is enough: a second deployment of it changes nothing. */
export const deployedAt = Math.floor(Date.now() / 86_400_000) * 86_400_000;

export const routerPass = bytes.base64.apply((key) => createPass(key, deployedAt));
