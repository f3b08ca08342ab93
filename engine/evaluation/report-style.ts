/** The report's style sheet: light theme, no external resources, one column on a phone. */
export const reportStyle = `
:root { color-scheme: light; --ink: #1b1d21; --soft: #555b66; --line: #d9dce1; --paper: #fff; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 84rem; color: var(--ink); background: var(--paper);
  font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .5rem; }
h2 { font-size: 1.25rem; margin: 3rem 0 .75rem; padding-top: 1rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.75rem 0 .5rem; }
p, li, dd { max-width: 75ch; }
p { margin: .5rem 0; }
.soft, figcaption, dd { color: var(--soft); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: 1rem 0; }
caption { text-align: left; font-weight: 600; padding: .25rem 0; }
th, td { text-align: left; padding: .35rem 1.25rem .35rem 0; border-bottom: 1px solid var(--line); white-space: nowrap;
  font-weight: 400; }
thead th { font-weight: 600; }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(14rem, 45%), 1fr)); gap: 1rem; }
figure { margin: 0; }
img { display: block; width: 100%; height: auto; background: #f2f3f5; }
figcaption { font-size: .875rem; line-height: 1.4; margin-top: .35rem; }
figcaption b { color: var(--ink); font-weight: 600; }
.charts { display: flex; flex-wrap: wrap; gap: 1rem; }
.charts img { width: auto; max-width: 100%; background: none; }
summary { cursor: pointer; margin: .75rem 0; }
dt { font-weight: 600; } dd { margin: 0 0 .5rem; }
`;
