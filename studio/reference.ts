/** The script of /docs: Swagger UI on the service's own OpenAPI document. */
import SwaggerUI from "swagger-ui-dist/swagger-ui-es-bundle.js";
import { key } from "./state/session.ts";

const dark = matchMedia("(prefers-color-scheme: dark)");
const showScheme = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", showScheme);
showScheme();

const errors = document.querySelector<HTMLDetailsElement>("#errors");
/** Not every browser opens an element that contains the target of a link. */
function showError(): void {
  const target = document.getElementById(location.hash.slice(1));
  if (!target || !errors?.contains(target)) return;
  errors.open = true;
  target.scrollIntoView({ block: "center" });
}
addEventListener("hashchange", showError);
showError();

const ui = SwaggerUI({
  url: "/openapi.json",
  dom_id: "#reference",
  // It would take `#error-…` for one of its own links.
  deepLinking: !location.hash.startsWith("#error-"),
  filter: true,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  // The default sends the document to a validator on the Internet.
  validatorUrl: null,
  // "Try it" uses the key that was entered in the studio in this tab.
  onComplete: () => void (key.value && ui.preauthorizeApiKey("key", key.value)),
});
