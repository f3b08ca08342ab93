/** The script of /docs: Swagger UI on the service's own OpenAPI document. */
import SwaggerUI, { type Props, type System } from "swagger-ui-dist/swagger-ui-es-bundle.js";
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

/**
 * Makes Swagger UI accessible: it has content outside landmarks, a level of headings that is left out, links in
 * buttons, and fields without a label.
 */
const accessible = ({ React: { createElement } }: System) => {
  const section = (label: string) => (Original: unknown) => (props: Props) =>
    createElement("section", { "aria-label": label }, createElement(Original, props));
  return {
    wrapComponents: {
      InfoContainer: section("About"),
      AuthorizeBtnContainer: section("Authorization"),
      FilterContainer: section("Filter"),
      // The service has one server: its own.
      ServersContainer: () => () => null,
      operations: (Original: unknown) => (props: Props) =>
        createElement("div", null, createElement("h2", null, "Operations"), createElement(Original, props)),
      DeepLink:
        () =>
        ({ text }: Props) =>
          createElement("span", null, text),
      TextArea: (Original: unknown) => (props: Props) =>
        createElement(Original, { "aria-label": "Request body", ...props }),
    },
  };
};

const ui = SwaggerUI({
  plugins: [accessible],
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
