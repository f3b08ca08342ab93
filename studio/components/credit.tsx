import { account } from "../state/account.ts";
import { counted, money } from "../text/format.ts";

/** The balance; expands to the usage. */
export function Credit() {
  const usage = account.value;
  if (!usage) return undefined;
  const { balance, reserved, totals } = usage;
  return (
    <details class="credit">
      <summary>
        <strong>{money(balance)}</strong> credit
      </summary>
      <dl class="credit-details">
        <dt>Reserved for open jobs</dt>
        <dd>{money(reserved)}</dd>
        <dt>Spent in 30 days</dt>
        <dd>{money(totals.credits)}</dd>
        <dt>For</dt>
        <dd>
          {counted(totals.images, "result")}, {counted(totals.steps, "step")}
        </dd>
      </dl>
    </details>
  );
}
