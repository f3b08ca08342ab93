import { key } from "../state/session.ts";
import { Bench } from "./bench.tsx";
import { Door } from "./door.tsx";
import { Footer } from "./footer.tsx";
import { Header } from "./header.tsx";
import { Intro } from "./intro.tsx";
import { LiveStatus } from "./live-status.tsx";
import { Shelf } from "./shelf.tsx";
import { Stage } from "./stage.tsx";

export function App() {
  return (
    <>
      <Header />
      <main class="page">
        {key.value === "" ? <Door /> : undefined}
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
