import { createRouterToken } from "../shared/router-token.ts";

const bytes = new random.RandomBytes("RouterKey", { length: 32 });

/** Key that verifies the router's requests. It is linked to the API's function as a secret. */
export const routerKey = new sst.Linkable("RouterKeyLink", { properties: { value: bytes.base64 } });

/** Day of the deployment; a second deployment on the same day does not change it. */
export const deployedAt = Math.floor(Date.now() / 86_400_000) * 86_400_000;

export const routerToken = bytes.base64.apply((key) => createRouterToken(key, deployedAt));
