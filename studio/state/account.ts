import { signal } from "@preact/signals";
import type { UsageReport } from "../../client/visii.ts";
import { api } from "./session.ts";

/** The balance, and the usage of the last 30 days. */
export const account = signal<UsageReport | undefined>(undefined);

export async function refreshAccount(): Promise<void> {
  account.value = await api.value.usage();
}
