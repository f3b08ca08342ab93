import type { openAccount } from "../../../shared/accounts/open-account.ts";
import { createId } from "../../../shared/ids.ts";
import { toIso } from "../../../shared/ports/clock.ts";
import type { Table } from "../../../shared/ports/table.ts";
import type { Upload } from "../../../shared/resources/upload.ts";
import { rowKeys } from "../../../shared/rows.ts";
import { systemClock as clock, systemRandom as random } from "../../../shared/system-clock.ts";

export interface Tenant {
  readonly key: string;
  readonly image: string;
}

/** Accounts with a checked upload each. */
export async function openTenants(
  table: Table,
  open: typeof openAccount,
  count: number,
): Promise<readonly Tenant[]> {
  const tenants: Tenant[] = [];
  for (let index = 0; index < count; index++) {
    const plenty = { credits: 10 ** 12, concurrency: 10 ** 6 };
    const opening = { name: `bench ${index}`, environment: "test", ...plenty } as const;
    const { account, secret } = await open({ table, clock, random }, opening);
    const image = createId("upload", clock.now(), random(10));
    const upload: Upload = {
      id: image,
      status: "ready",
      content_type: "image/png",
      bytes: 1000,
      width: 64,
      height: 64,
      created_at: toIso(clock.now()),
    };
    await table.insert({ ...rowKeys.resource(account.id, image), data: { ...upload, account: account.id } });
    tenants.push({ key: secret, image });
  }
  return tenants;
}
