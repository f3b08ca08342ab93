interface Route {
  readonly method: string;
  readonly path: string;
}

/** Returns the allowed methods of a path; none if it has no route. Middleware does not count as a route. */
export function createAllowedMethods(routes: readonly Route[]): (path: string) => readonly string[] {
  const known = new Map<string, { readonly pattern: RegExp; readonly methods: Set<string> }>();
  for (const { method, path } of routes) {
    if (method === "ALL") continue;
    const pattern = new RegExp(`^${path.replace(/:\w+(\{.*?\})?/g, "[^/]+").replaceAll(".", "\\.")}$`);
    const entry = known.get(path) ?? { pattern, methods: new Set() };
    entry.methods.add(method);
    if (method === "GET") entry.methods.add("HEAD");
    known.set(path, entry);
  }
  return (path) => {
    // A fixed path takes precedence over one with an ID.
    const exact = known.get(path);
    const matching = exact ? [exact] : [...known.values()].filter(({ pattern }) => pattern.test(path));
    return [...new Set(matching.flatMap(({ methods }) => [...methods]))].sort();
  };
}
