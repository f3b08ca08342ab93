import { key } from "../state/session.ts";
import { Credit } from "./credit.tsx";

/** The page's header: account and reference. */
export function Header() {
  return (
    <header class="header">
      <h1 class="brand">
        <img src="/studio/icon.svg" alt="" width="28" height="28" />
        visii
      </h1>
      <nav class="header-links" aria-label="Account and reference">
        {key.value === "" ? undefined : <Credit />}
        <a class="quiet-link" href="/docs">
          API reference
        </a>
      </nav>
    </header>
  );
}
