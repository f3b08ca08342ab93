/** The studio: the whole service by hand. It uses the public API through the typed client, and nothing else. */
import { render } from "preact";
import { App } from "./components/app.tsx";
import { openStudio } from "./state/open-studio.ts";

render(<App />, document.body);
openStudio();
