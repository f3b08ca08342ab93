/** The studio. It uses only the public API, through the typed client. */
import { render } from "preact";
import { App } from "./components/app.tsx";
import { openStudio } from "./state/open-studio.ts";

render(<App />, document.body);
openStudio();
