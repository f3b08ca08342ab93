import { key } from "../state/session.ts";
import { Bench } from "./bench.tsx";
import { FailureNotice } from "./failure-notice.tsx";
import { Footer } from "./footer.tsx";
import { Header } from "./header.tsx";
import { Intro } from "./intro.tsx";
import { KeyForm } from "./key-form.tsx";
import { LiveStatus } from "./live-status.tsx";
import { Shelf } from "./shelf.tsx";
import { Stage } from "./stage.tsx";

/** The whole page. */
export function App() {
  return (
    <>
      <Header />
      <main class="page">
        {key.value === "" ? <KeyForm /> : undefined}
        <FailureNotice />
        <Intro />
        <Bench />
        <Stage />
        <Shelf />
      </main>
      <Footer />
      <LiveStatus />
    </>
  );
}
